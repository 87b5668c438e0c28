"""The only WebAssembly of the lab: a product of matrices, four rows by eight columns at a time.

A browser reads WebAssembly as bytes. They are few enough to be put together here, without a
compiler: :func:`multiply` is what ``plainMultiply`` in ``engine.js`` does, with the processor's
instructions for four numbers at once.
"""

from __future__ import annotations

I32, F32, V128, NOTHING = 0x7F, 0x7D, 0x7B, 0x40
END = b"\x0b"
ADD, SUB, MUL, SHIFT, LESS, IS_ZERO = (
    bytes([code]) for code in (0x6A, 0x6B, 0x6C, 0x74, 0x49, 0x45)
)


def unsigned(value: int) -> bytes:
    """A number in LEB128, seven bits a byte.

    Example:
        >>> from studio.lab import wasm
        >>> wasm.unsigned(300).hex()
        'ac02'
    """
    low, rest = value & 0x7F, value >> 7
    return bytes([low]) if not rest else bytes([low | 0x80]) + unsigned(rest)


def _vector(parts: list[bytes]) -> bytes:
    return unsigned(len(parts)) + b"".join(parts)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content


def _get(local: int) -> bytes:
    return b"\x20" + unsigned(local)


def _set(local: int, *value: bytes) -> bytes:
    return b"".join(value) + b"\x21" + unsigned(local)


def _number(value: int) -> bytes:
    return b"\x41" + (unsigned(value) if value < 64 else unsigned(value | 0x80)[:1] + b"\x00")


def _loop(*body: bytes) -> bytes:
    """A loop inside a block: ``_again()`` goes on, ``_leave()`` ends it."""
    return bytes([0x02, NOTHING, 0x03, NOTHING]) + b"".join(body) + END + END


def _again() -> bytes:
    return b"\x0c\x00"


def _again_if() -> bytes:
    return b"\x0d\x00"


def _leave_if() -> bytes:
    return b"\x0d\x01"


def _at(code: bytes, offset: int = 0) -> bytes:
    """A load or store of four aligned bytes, so many bytes behind the address on the stack."""
    return code + b"\x02" + unsigned(offset)


def _simd(code: int) -> bytes:
    return b"\xfd" + unsigned(code)


LOAD, STORE = {F32: b"\x2a", V128: _simd(0)}, {F32: b"\x38", V128: _simd(11)}
REPEATED = {F32: b"\x2a", V128: _simd(9)}  # load one number into all places
PLUS, TIMES = {F32: b"\x92", V128: _simd(0xE4)}, {F32: b"\x94", V128: _simd(0xE6)}

# Locals of a function of rows. Parameters: where the matrices lie, and their sides.
A, B, C, K, N = range(5)
ROW_A, ROW_C, LEFT, COUNT, IN_A, IN_B = range(5, 11)  # bytes a row; columns left; inner loop
VECTORS = 11  # one of A, two of B, then the sums; the same again as single numbers


def _rows(rows: int) -> bytes:
    """A function: so many rows of C (m x n) += A (m x k) B (k x n)."""
    vectors = 3 + 2 * rows
    code = b"".join(
        _set(own, _get(side), _number(2), SHIFT) for own, side in ((ROW_A, K), (ROW_C, N))
    )
    code += _set(LEFT, _get(N))
    for columns in (8, 4, 1):
        kind = F32 if columns == 1 else V128
        first = VECTORS + vectors if kind == F32 else VECTORS
        code += _loop(
            _get(LEFT), _number(columns), LESS, _leave_if(),
            _tile(rows, columns, kind, first),
            _set(B, _get(B), _number(4 * columns), ADD),
            _set(C, _get(C), _number(4 * columns), ADD),
            _set(LEFT, _get(LEFT), _number(columns), SUB),
            _again(),
        )  # fmt: skip
    kinds = [(6, I32), (vectors, V128), (vectors, F32)]
    local = _vector([unsigned(count) + bytes([kind]) for count, kind in kinds])
    body = local + code + END
    return unsigned(len(body)) + body


def _tile(rows: int, columns: int, kind: int, first: int) -> bytes:
    """Sums of a few rows and columns, held in locals while k runs."""
    wide = 2 if columns == 8 else 1
    one, of_b = first, [first + 1 + v for v in range(wide)]
    sums = {(r, v): first + 3 + 2 * r + v for r in range(rows) for v in range(wide)}

    def row(base: int, stride: int, r: int) -> bytes:
        return _get(base) + _get(stride) + _number(r) + MUL + ADD

    code = b"".join(
        _set(own, row(C, ROW_C, r), _at(LOAD[kind], 16 * v)) for (r, v), own in sums.items()
    )
    code += _set(IN_A, _get(A)) + _set(IN_B, _get(B)) + _set(COUNT, _get(K))
    inner = b"".join(_set(own, _get(IN_B), _at(LOAD[kind], 16 * v)) for v, own in enumerate(of_b))
    for r in range(rows):
        inner += _set(one, row(IN_A, ROW_A, r), _at(REPEATED[kind]))
        for v in range(wide):
            product = _get(one) + _get(of_b[v]) + TIMES[kind]
            inner += _set(sums[r, v], _get(sums[r, v]), product, PLUS[kind])
    inner += _set(IN_A, _get(IN_A), _number(4), ADD) + _set(IN_B, _get(IN_B), _get(ROW_C), ADD)
    inner += _set(COUNT, _get(COUNT), _number(1), SUB) + _get(COUNT) + _again_if()
    code += _loop(inner)
    for (r, v), own in sums.items():
        code += row(C, ROW_C, r) + _get(own) + _at(STORE[kind], 16 * v)
    return code


def _whole() -> bytes:
    """The function that is called: four rows at a time, then one at a time."""
    a, b, c, m, k, n = range(6)
    code = b""
    for function, rows in ((0, 4), (1, 1)):
        code += _loop(
            _get(m), _number(rows), LESS, _leave_if(),
            *map(_get, (a, b, c, k, n)), b"\x10", unsigned(function),
            _set(a, _get(a), _get(k), _number(4 * rows), MUL, ADD),
            _set(c, _get(c), _get(n), _number(4 * rows), MUL, ADD),
            _set(m, _get(m), _number(rows), SUB),
            _again(),
        )  # fmt: skip
    body = _vector([]) + code + END
    return unsigned(len(body)) + body


def multiply() -> bytes:
    """A module with a memory and ``multiply(A, B, C, m, k, n)``: C (m x n) += A (m x k) B (k x n).

    The first three arguments are addresses in the memory, of numbers of four bytes, row by row; k
    is at least 1.

    Example:
        >>> from studio.lab import wasm
        >>> wasm.multiply()[:8]
        b'\\x00asm\\x01\\x00\\x00\\x00'
    """
    types = [b"\x60" + _vector([bytes([I32])] * count) + _vector([]) for count in (5, 6)]
    names = [(b"memory", 2, 0), (b"multiply", 0, 2)]
    exports = [
        unsigned(len(name)) + name + bytes([kind]) + unsigned(place) for name, kind, place in names
    ]
    return b"\0asm\1\0\0\0" + b"".join(
        [
            _section(1, _vector(types)),
            _section(3, _vector([b"\x00", b"\x00", b"\x01"])),
            _section(5, _vector([b"\x00\x01"])),
            _section(7, _vector(exports)),
            _section(10, _vector([_rows(4), _rows(1), _whole()])),
        ]
    )
