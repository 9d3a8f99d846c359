"""The engines of this laboratory beside other solvers: one case, one measure of error, one table."""

import os

# One core is what is compared, so libraries are told before they are read. Infusions restart CVODE, whose first guess
# of a step may be below rounding: it warns a thousand times, and goes on.
for _name, _value in (
    ("OPENBLAS_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("JAX_PLATFORMS", "cpu"),
    ("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"),
    ("SUNLOGGER_WARNING_FILENAME", os.devnull),
):
    os.environ.setdefault(_name, _value)
