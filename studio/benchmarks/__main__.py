"""``python -m studio.benchmarks``: all benchmarks that take minutes, one after the other.

``studio.benchmarks.realism`` is separate: it needs rendered portraits and recognisers trained on
real photographs. So is ``studio.benchmarks.scaling``, which needs an idle machine.
"""

from studio.benchmarks import chapters, cloaking, speed

for benchmark in (cloaking, speed, chapters):
    print(f"# {benchmark.__doc__.splitlines()[0]}", flush=True)
    benchmark.main()
