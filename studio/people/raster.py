"""Compiled z-buffer kernels: triangles, strands and visibility. All arrays are float32.

Screen points are ``(x, y, depth)`` in pixels and metres, smaller depths nearer.
"""

from __future__ import annotations

import math

import numpy as np

from studio.people.compiled import compiled


@compiled
def normals(points, tris):
    """Unit normals ``(n, 3)`` of points, weighted by triangle area."""
    out = np.zeros_like(points)
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        ux = points[b, 0] - points[a, 0]
        uy = points[b, 1] - points[a, 1]
        uz = points[b, 2] - points[a, 2]
        vx = points[c, 0] - points[a, 0]
        vy = points[c, 1] - points[a, 1]
        vz = points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(out.shape[0]):
        length = math.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + np.float32(1e-20)
        for k in range(3):
            out[i, k] /= length
    return out


@compiled
def fill(screen, tris, facing, depth, index, corners):
    """Draw triangles into a depth buffer, keeping which one is nearest and where it was hit.

    Args:
        screen: ``(n, 3)`` screen points.
        tris: ``(t, 3)``.
        facing: keep triangles whose signed screen area has this sign; 0 keeps all.
        depth, index, corners: ``(h, w)`` depths, ``(h, w)`` triangle numbers (-1 none) and
            ``(h, w, 2)`` weights of the second and third corner; written in place.
    """
    height, width = depth.shape
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0, z0 = screen[a, 0], screen[a, 1], screen[a, 2]
        x1, y1, x2, y2 = screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area * facing < 0 or abs(area) < 1e-9:
            continue
        left = max(0, int(math.floor(min(x0, x1, x2) - 0.5)))
        right = min(width - 1, int(math.ceil(max(x0, x1, x2) + 0.5)))
        top = max(0, int(math.floor(min(y0, y1, y2) - 0.5)))
        bottom = min(height - 1, int(math.ceil(max(y0, y1, y2) + 0.5)))
        scale = np.float32(1) / area
        dz1, dz2 = screen[b, 2] - z0, screen[c, 2] - z0
        for y in range(top, bottom + 1):
            py = np.float32(y + 0.5) - y0
            for x in range(left, right + 1):
                px = np.float32(x + 0.5) - x0
                w1 = (px * (y2 - y0) - (x2 - x0) * py) * scale
                w2 = ((x1 - x0) * py - px * (y1 - y0)) * scale
                if w1 >= -1e-5 and w2 >= -1e-5 and w1 + w2 <= 1.00001:
                    z = z0 + w1 * dz1 + w2 * dz2
                    if z < depth[y, x]:
                        depth[y, x] = z
                        index[y, x] = t
                        corners[y, x, 0] = w1
                        corners[y, x, 1] = w2


@compiled
def shadow_depth(points, tris, frame, depth):
    """Depths of front faces seen along a parallel light; `frame` (3, 4) is an affine map."""
    flat = np.empty((points.shape[0], 3), np.float32)
    for i in range(points.shape[0]):
        for k in range(3):
            flat[i, k] = (
                points[i, 0] * frame[k, 0]
                + points[i, 1] * frame[k, 1]
                + points[i, 2] * frame[k, 2]
                + frame[k, 3]
            )
    index = np.empty(depth.shape, np.int32)
    corners = np.empty((*depth.shape, 2), np.float32)
    fill(flat, tris, 1, depth, index, corners)


@compiled
def _next(state):
    state ^= state << np.uint32(13)
    state ^= state >> np.uint32(17)
    state ^= state << np.uint32(5)
    return state


@compiled
def strand_depth(strands, frame, share, seed, depth):
    """Add strands ``(s, m, 3)`` to a shadow depth buffer, each pixel with probability `share`."""
    height, width = depth.shape
    state = np.uint32(seed * 2654435761 + 12345)
    for s in range(strands.shape[0]):
        px = py = pz = np.float32(0)
        for k in range(strands.shape[1]):
            x0, y0, z0 = px, py, pz
            ux, uy, uz = strands[s, k, 0], strands[s, k, 1], strands[s, k, 2]
            px = ux * frame[0, 0] + uy * frame[0, 1] + uz * frame[0, 2] + frame[0, 3]
            py = ux * frame[1, 0] + uy * frame[1, 1] + uz * frame[1, 2] + frame[1, 3]
            pz = ux * frame[2, 0] + uy * frame[2, 1] + uz * frame[2, 2] + frame[2, 3]
            if k == 0:
                continue
            steps = int(max(abs(px - x0), abs(py - y0))) + 1
            for q in range(steps):
                f = np.float32((q + 0.5) / steps)
                x, y = int(math.floor(x0 + f * (px - x0))), int(math.floor(y0 + f * (py - y0)))
                if x < 0 or y < 0 or x >= width or y >= height:
                    continue
                z = z0 + f * (pz - z0)
                if z < depth[y, x]:
                    state = _next(state)
                    if (state & np.uint32(0xFFFFFF)) < share * 16777216.0:
                        depth[y, x] = z


@compiled
def seen_from(points, frame, solid, hair, bias_solid, bias_hair, soft, column, out):
    """How much of a light direction reaches points, as 0..255 in ``out[:, column]``.

    Args:
        points: ``(n, 3)``.
        frame: ``(3, 4)`` affine map of the light.
        solid, hair: ``(h, w)`` depth buffers; a negative bias leaves that buffer out. Hair lets
            light through over about `soft` metres.
    """
    height, width = solid.shape
    for i in range(points.shape[0]):
        ux, uy, uz = points[i, 0], points[i, 1], points[i, 2]
        fx = ux * frame[0, 0] + uy * frame[0, 1] + uz * frame[0, 2] + frame[0, 3] - 0.5
        fy = ux * frame[1, 0] + uy * frame[1, 1] + uz * frame[1, 2] + frame[1, 3] - 0.5
        fz = ux * frame[2, 0] + uy * frame[2, 1] + uz * frame[2, 2] + frame[2, 3]
        x, y = int(math.floor(fx)), int(math.floor(fy))
        if x < 0 or y < 0 or x >= width - 1 or y >= height - 1:
            out[i, column] = 255
            continue
        ax, ay = fx - x, fy - y
        past_solid = past_hair = 0.0
        for dy in range(2):
            for dx in range(2):
                weight = (ax if dx else 1 - ax) * (ay if dy else 1 - ay)
                if bias_solid < 0 or fz - solid[y + dy, x + dx] <= bias_solid:
                    past_solid += weight
                behind = fz - hair[y + dy, x + dx] - bias_hair
                if bias_hair < 0 or behind <= 0:
                    past_hair += weight
                else:
                    past_hair += weight * math.exp(-behind / soft)
        out[i, column] = int(min(255.0, min(past_solid, past_hair) * 255.0 + 0.5))


@compiled
def gather(index, corners, tris, values, rows, columns, out):
    """Interpolate point values ``(n, k)`` at the pixels ``(rows, columns)`` into ``out`` (p, k)."""
    for i in range(rows.shape[0]):
        y, x = rows[i], columns[i]
        t = index[y, x]
        w1, w2 = corners[y, x, 0], corners[y, x, 1]
        w0 = 1 - w1 - w2
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        for k in range(values.shape[1]):
            out[i, k] = w0 * values[a, k] + w1 * values[b, k] + w2 * values[c, k]


@compiled
def sheets(screen, tris, cover, colour, seed, depth, picture):
    """Draw lash sheets: single-coloured triangles hit with probability ``cover`` (n,)."""
    height, width = depth.shape
    state = np.uint32(seed * 2654435761 + 77777)
    for t in range(tris.shape[0]):
        a, b, c = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        x1, y1, x2, y2 = screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left = max(0, int(math.floor(min(x0, x1, x2) - 0.5)))
        right = min(width - 1, int(math.ceil(max(x0, x1, x2) + 0.5)))
        top = max(0, int(math.floor(min(y0, y1, y2) - 0.5)))
        bottom = min(height - 1, int(math.ceil(max(y0, y1, y2) + 0.5)))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                px, py = x + 0.5 - x0, y + 0.5 - y0
                w1 = (px * (y2 - y0) - (x2 - x0) * py) / area
                w2 = ((x1 - x0) * py - px * (y1 - y0)) / area
                w0 = 1 - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                z = w0 * screen[a, 2] + w1 * screen[b, 2] + w2 * screen[c, 2]
                if z < depth[y, x] + 0.0008:
                    state = _next(state)
                    chance = w0 * cover[a] + w1 * cover[b] + w2 * cover[c]
                    if (state & np.uint32(0xFFFFFF)) < chance * 16777216.0:
                        depth[y, x] = min(z, depth[y, x])
                        for k in range(3):
                            picture[y, x, k] = colour[k]


@compiled
def strands(screen, colours, cover, seed, depth, picture):
    """Draw opaque strands one pixel wide; a pixel is drawn with probability ``cover``.

    Args:
        screen, colours: ``(s, m, 3)``.
        cover: ``(m,)`` along each strand, 0 to 1.
        depth, picture: ``(h, w)`` and ``(h, w, 3)``, written in place.
    """
    height, width = depth.shape
    state = np.uint32(seed * 2654435761 + 12345)
    for s in range(screen.shape[0]):
        for k in range(screen.shape[1] - 1):
            x0, y0, z0 = screen[s, k, 0], screen[s, k, 1], screen[s, k, 2]
            x1, y1, z1 = screen[s, k + 1, 0], screen[s, k + 1, 1], screen[s, k + 1, 2]
            if (x0 < 0 and x1 < 0) or (y0 < 0 and y1 < 0):
                continue
            if (x0 >= width and x1 >= width) or (y0 >= height and y1 >= height):
                continue
            steps = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
            if steps > 4000:
                continue
            for q in range(steps):
                f = np.float32((q + 0.5) / steps)
                x, y = int(math.floor(x0 + f * (x1 - x0))), int(math.floor(y0 + f * (y1 - y0)))
                if x < 0 or y < 0 or x >= width or y >= height:
                    continue
                z = z0 + f * (z1 - z0)
                if z >= depth[y, x]:
                    continue
                chance = cover[k] + f * (cover[k + 1] - cover[k])
                if chance < 1:
                    state = _next(state)
                    if (state & np.uint32(0xFFFFFF)) > chance * 16777216.0:
                        continue
                depth[y, x] = z
                for c in range(3):
                    picture[y, x, c] = colours[s, k, c] + f * (
                        colours[s, k + 1, c] - colours[s, k, c]
                    )


@compiled
def fine_strands(screen, colours, cover, bias, depth, picture):
    """Blend thin strands (brows, stubble) over the picture, anti-aliased, depth only tested."""
    height, width = depth.shape
    for s in range(screen.shape[0]):
        for k in range(screen.shape[1] - 1):
            x0, y0, z0 = screen[s, k, 0], screen[s, k, 1], screen[s, k, 2]
            x1, y1, z1 = screen[s, k + 1, 0], screen[s, k + 1, 1], screen[s, k + 1, 2]
            if (x0 < 0 and x1 < 0) or (y0 < 0 and y1 < 0):
                continue
            if (x0 >= width and x1 >= width) or (y0 >= height and y1 >= height):
                continue
            dx, dy = x1 - x0, y1 - y0
            steps = int(max(abs(dx), abs(dy))) + 1
            if steps > 4000:
                continue
            length = math.sqrt(dx * dx + dy * dy) / steps
            for q in range(steps):
                f = np.float32((q + 0.5) / steps)
                fx, fy = x0 + f * dx - 0.5, y0 + f * dy - 0.5
                xi, yi = int(math.floor(fx)), int(math.floor(fy))
                ax, ay = fx - xi, fy - yi
                z = z0 + f * (z1 - z0) - bias
                alpha = (cover[k] + f * (cover[k + 1] - cover[k])) * length
                for oy in range(2):
                    y = yi + oy
                    if y < 0 or y >= height:
                        continue
                    for ox in range(2):
                        x = xi + ox
                        if x < 0 or x >= width or z >= depth[y, x]:
                            continue
                        weight = alpha * (ax if ox else 1 - ax) * (ay if oy else 1 - ay)
                        weight = min(np.float32(1), weight)
                        for c in range(3):
                            tone = colours[s, k, c] + f * (colours[s, k + 1, c] - colours[s, k, c])
                            picture[y, x, c] += weight * (tone - picture[y, x, c])
