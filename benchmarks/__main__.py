"""``python -m benchmarks``: everything that is measured in minutes, one after the other.

``python -m benchmarks.realism`` is apart: it needs rendered portraits and recognisers trained on
real photographs. So is ``python -m benchmarks.scaling``, which needs a machine with nothing else to
do.
"""

from benchmarks import (
    chapters,
    cloaking,
    detection,
    embedding,
    identification,
    loading,
    purification,
)

for benchmark in (cloaking, loading, embedding, identification, detection, purification, chapters):
    print(f"# {benchmark.__doc__.splitlines()[0]}", flush=True)
    benchmark.main()
