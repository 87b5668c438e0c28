"""Compiled shading kernels for skin and hair. All arrays are float32 unless said otherwise."""

from __future__ import annotations

import math

import numpy as np

from studio.people.compiled import compiled


@compiled
def irradiance(normals, seen, directions, radiance, lobes, out):
    """Diffuse light on points.

    Args:
        normals: ``(n, 3)``.
        seen: ``(n, d)`` uint8 visibility.
        directions, radiance: ``(3, d)``. lobes: ``(l, d)``.
        out: ``(n, >= 3 + l)``; irradiance in RGB and each light's visible share are written.
    """
    count = directions.shape[1]
    share = np.empty(count, np.float32)
    for i in range(normals.shape[0]):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        red = green = blue = np.float32(0)
        for d in range(count):
            share[d] = seen[i, d] * np.float32(1 / 255)
            cosine = nx * directions[0, d] + ny * directions[1, d] + nz * directions[2, d]
            weight = max(np.float32(0), cosine) * share[d]
            red += weight * radiance[0, d]
            green += weight * radiance[1, d]
            blue += weight * radiance[2, d]
        out[i, 0], out[i, 1], out[i, 2] = red, green, blue
        for j in range(lobes.shape[0]):
            total = np.float32(0)
            for d in range(count):
                total += share[d] * lobes[j, d]
            out[i, 3 + j] = total


@compiled
def skin(values, toward, power, width, camera, upward, sky, ground, roughness, out):
    """Skin at pixels: diffuse plus a two-lobe GGX reflection and a Fresnel sheen of the surround.

    Args:
        values: ``(p, 14 + l)``: irradiance, albedo, normal, position, each light's share,
            gloss, openness.
        toward, power: ``(l, 3)``; width: ``(l,)``. camera: ``(3,)`` in the head's frame.
        upward: ``(3,)`` the camera's up axis in the head's frame. sky, ground: ``(3,)``.
        out: ``(p, 3)``.
    """
    lights = toward.shape[0]
    for i in range(values.shape[0]):
        nx, ny, nz = values[i, 6], values[i, 7], values[i, 8]
        scale = 1 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-18)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        vx, vy, vz = camera[0] - values[i, 9], camera[1] - values[i, 10], camera[2] - values[i, 11]
        scale = 1 / math.sqrt(vx * vx + vy * vy + vz * vz + 1e-18)
        vx, vy, vz = vx * scale, vy * scale, vz * scale
        facing = max(0.04, nx * vx + ny * vy + nz * vz)
        gloss, openness = values[i, 12 + lights], values[i, 13 + lights]
        for c in range(3):
            out[i, c] = values[i, c] * values[i, 3 + c]
        for j in range(lights):
            lit = nx * toward[j, 0] + ny * toward[j, 1] + nz * toward[j, 2]
            if lit <= 0:
                continue
            hx, hy, hz = vx + toward[j, 0], vy + toward[j, 1], vz + toward[j, 2]
            scale = 1 / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-18)
            nh = (nx * hx + ny * hy + nz * hz) * scale
            vh = (vx * hx + vy * hy + vz * hz) * scale
            fresnel = 0.028 + 0.972 * (1 - vh) ** 5
            strength = 0.0
            for lobe in range(2):
                rough = roughness if lobe == 0 else 0.62 * roughness
                alpha = rough**4 + 0.0625 * width[j] ** 2
                lobe_value = alpha / ((nh * nh * (alpha - 1) + 1) ** 2)
                strength += lobe_value * (0.84 if lobe == 0 else 0.16)
            strength *= 0.25 * fresnel * lit / ((0.75 * lit + 0.25) * (0.75 * facing + 0.25))
            strength *= values[i, 12 + j] * gloss * 0.30 * min(1.0, 1.25 * openness * openness)
            for c in range(3):
                out[i, c] += strength * power[j, c]
        mirror = 2 * facing * (nx * upward[0] + ny * upward[1] + nz * upward[2])
        mirror = (mirror - (vx * upward[0] + vy * upward[1] + vz * upward[2])) * 0.5 + 0.5
        sheen = (0.028 + (1 - roughness - 0.028) * (1 - facing) ** 5) * openness * openness
        sheen *= 0.5 * min(gloss, 1.2)
        for c in range(3):
            out[i, c] += (ground[c] * (1 - mirror) + sky[c] * mirror) * sheen


@compiled
def strands(points, colours, seen, step, ambient, lobes, root_light, toward, power, width, camera,
            rotation, centre, distance, scale, shift, depth, screen, out):  # fmt: skip
    """Project strands and shade those that are not hidden behind the head.

    A Marschner-like model with two longitudinal lobes (white and coloured) and a diffuse rest.

    Args:
        points: ``(s, m, 3)``; colours: ``(s, 3)``.
        seen: ``(s * k, d)`` uint8 visibility at every ``step``-th joint; with ``step`` 0 the
            light at the root ``root_light`` (s, 3 + l) is used instead.
        ambient: ``(3, d)``; lobes: ``(l, d)``.
        depth: ``(h, w)`` of what is drawn already.
        screen, out: ``(s, m, 3)``; hidden strands are moved out of the picture.
    """
    count, joints = points.shape[0], points.shape[1]
    lights, directions = toward.shape[0], lobes.shape[1]
    height, wide = depth.shape
    keys = (joints + step - 1) // step if step > 0 else 1
    light = np.zeros((keys, 3 + lights), np.float32)
    share = np.empty(directions, np.float32)
    cosine = np.empty(3, np.float32)
    for s in range(count):
        visible = False
        for k in range(joints):
            x = points[s, k, 0] - centre[0]
            y = points[s, k, 1] - centre[1]
            z = points[s, k, 2] - centre[2]
            across = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z
            away = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + distance
            up = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
            sx = across / away * scale + shift[0]
            sy = -up / away * scale + shift[1]
            screen[s, k, 0], screen[s, k, 1], screen[s, k, 2] = sx, sy, away - 0.0004
            column, row = int(math.floor(sx)), int(math.floor(sy))
            if 0 <= column < wide and 0 <= row < height and away < depth[row, column] + 0.004:
                visible = True
        if not visible:
            for k in range(joints):
                screen[s, k, 0] = -1e6
            continue
        for k in range(keys if step > 0 else 0):
            row = s * keys + k
            for d in range(directions):
                share[d] = seen[row, d] * np.float32(1 / 255)
            for c in range(3 + lights):
                total = np.float32(0)
                source = ambient[c] if c < 3 else lobes[c - 3]
                for d in range(directions):
                    total += share[d] * source[d]
                light[k, c] = total
        for k in range(joints):
            before, after = max(0, k - 1), min(joints - 1, k + 1)
            tx = points[s, after, 0] - points[s, before, 0]
            ty = points[s, after, 1] - points[s, before, 1]
            tz = points[s, after, 2] - points[s, before, 2]
            norm = 1 / math.sqrt(tx * tx + ty * ty + tz * tz + 1e-18)
            tx, ty, tz = tx * norm, ty * norm, tz * norm
            vx = camera[0] - points[s, k, 0]
            vy = camera[1] - points[s, k, 1]
            vz = camera[2] - points[s, k, 2]
            norm = 1 / math.sqrt(vx * vx + vy * vy + vz * vz + 1e-18)
            to_view = math.asin(min(1.0, max(-1.0, (tx * vx + ty * vy + tz * vz) * norm)))
            first = last = 0
            blend = 0.0
            if step > 0:
                first = min(k // step, keys - 1)
                last = min(first + 1, keys - 1)
                blend = k / step - first
                for c in range(3):
                    cosine[c] = 0.55 * (light[first, c] * (1 - blend) + light[last, c] * blend)
            else:
                for c in range(3):
                    cosine[c] = 0.62 * root_light[s, c]
            for c in range(3):
                out[s, k, c] = colours[s, c] * cosine[c]
            for j in range(lights):
                if step > 0:
                    lit = light[first, 3 + j] * (1 - blend) + light[last, 3 + j] * blend
                else:
                    lit = 0.5 * root_light[s, 3 + j]
                if lit < 0.003:
                    continue
                along = tx * toward[j, 0] + ty * toward[j, 1] + tz * toward[j, 2]
                along = min(1.0, max(-1.0, along))
                spread = 0.12 + 0.4 * width[j]
                angle = math.asin(along) + to_view
                white = math.exp(-((angle + 0.10) ** 2) / (2 * spread**2)) * 0.010 / spread
                tinted = math.exp(-((angle - 0.14) ** 2) / (5.78 * spread**2)) * 0.035 / spread
                diffuse = 0.45 * math.sqrt(1 - along * along) if step > 0 else 0.0
                for c in range(3):
                    tone = colours[s, c]
                    glint = white * (1.0 - 0.07 * c)
                    value = glint + tinted * math.sqrt(tone * math.sqrt(tone)) + tone * diffuse
                    out[s, k, c] += lit * power[j, c] * value
