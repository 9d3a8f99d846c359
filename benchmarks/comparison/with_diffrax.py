"""diffrax on the case: float64, patients side by side with steps of their own (``jax.vmap``), compiled once.

The same text of the rates as everywhere; infusions are looked up by time and their ends are marked as jumps, as its
documentation advises.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from .case import Array, Case
from .equations import Equations, Numbers
from .metric import FLOOR
from .text import array_text

#: The implicit one, with a dense Jacobian for each patient, is the slower by far and takes minutes: only if asked for.
METHODS = ("Tsit5", "Kvaerno5")
_MOST_STEPS = 2_000_000


def find_diffrax() -> str:
    """Why it cannot be run; nothing where it can."""
    try:
        import diffrax  # noqa: F401
        import jax
    except ImportError as error:
        return f"not installed: {error}"
    jax.config.update("jax_enable_x64", True)
    return ""


@dataclass
class Diffrax:
    """A method of diffrax; the tolerance is an argument of the compiled function, so that it serves for all."""

    case: Case
    equations: Equations
    method: str = METHODS[0]
    tolerance: float = 1e-6
    compile_s: float | None = None
    _own: Numbers | None = None
    _function: Any = None

    @property
    def setting(self) -> str:
        return f"{self.method}, float64, vmap over patients, jumps at events"

    def load(self) -> None:
        """Trace and compile for this many patients."""
        self._own = self.equations.numbers(self.case)
        self._function = self._write()
        begin = time.perf_counter()
        self.tolerance, kept = 1e-2, self.tolerance
        self.run()
        self.tolerance = kept
        self.compile_s = time.perf_counter() - begin

    def _write(self) -> Any:
        import diffrax
        import jax
        import jax.numpy as jnp

        namespace: dict[str, Any] = {"np": jnp}
        exec(array_text(self.equations.source), namespace)
        rates, n = namespace["rates"], len(self.case.states)
        starts = jnp.array([segment.start for segment in self.case.schedule])
        first, last = self.case.schedule[0].start, self.case.schedule[-1].stop
        assert self._own is not None
        fed, times = jnp.array(self._own.fed), jnp.array(self.case.times)
        start, columns = jnp.array(self.case.start), jnp.array(self.case.columns)
        peaks = jnp.array(self.equations.peaks)

        def slope(t: Any, z: Any, arguments: Any) -> Any:
            fixed, flows = arguments
            out = [jnp.zeros(())] * n
            rates(z, fixed, out)
            now = jnp.searchsorted(starts, t, side="right") - 1
            return jnp.stack([jnp.asarray(v, z.dtype) for v in out]).at[fed].add(flows[now])

        def one(fixed: Any, flows: Any, tolerance: Any) -> Any:
            steps = diffrax.PIDController(rtol=tolerance, atol=FLOOR * tolerance * peaks)
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(slope),
                getattr(diffrax, self.method)(),
                t0=first,
                t1=last,
                dt0=None,
                y0=start,
                args=(fixed, flows),
                saveat=diffrax.SaveAt(ts=times),
                stepsize_controller=diffrax.ClipStepSizeController(steps, jump_ts=starts[1:]),
                max_steps=_MOST_STEPS,
                adjoint=diffrax.ForwardMode(),  # a plain loop: nothing is kept for derivatives
                throw=False,
            )
            return solution.ys[:, columns]

        return jax.jit(jax.vmap(one, in_axes=(0, 0, None), out_axes=2))

    def outputs(self, case: Case) -> Array:
        """Of as many patients as it was compiled for, or fewer: the last is repeated."""
        numbers = self.equations.numbers(case)
        many = np.minimum(np.arange(self.case.patients), case.patients - 1)
        made = self._call(numbers.fixed[many], numbers.flows[many])
        return made[:, :, : case.patients]

    def run(self) -> None:
        assert self._own is not None
        self._call(self._own.fixed, self._own.flows)

    def _call(self, fixed: Array, flows: Array) -> Array:
        return np.asarray(self._function(fixed, flows, self.tolerance))
