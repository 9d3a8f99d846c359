"""Workers of a Dask cluster, behind the same executor's face; needs the extra ``cluster``.

A scheduler runs the code of anyone who reaches it. One that is made here listens on the loopback alone.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from ketalab.errors import InputError
from ketalab.laboratory.execution._rooms import available
from ketalab.laboratory.execution._worker import ONE_THREAD, Task, run_chunk

#: Address that stands for a cluster made here, of as many workers as are asked for.
LOCAL = "local"
_CONNECT_S = 10
_WORKERS_S = 30.0
#: Dask's own setting of the allocator makes arrays slow; what is set here is what glibc comes to by itself.
_ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


class DaskRoom:
    """Workers of a scheduler at an address (``tcp://HOST:PORT``), or of one made here (``local``)."""

    shared_fate = False

    def __init__(self, address: str, workers: int | None = None) -> None:
        try:
            import dask
            from distributed import Client, LocalCluster
        except ImportError:
            raise InputError(
                "--cluster needs Dask: pip install 'ketalab[cluster]'", address
            ) from None
        # What a run has to say of lost workers it says itself, in one line.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self.address, self._cluster = address, None
        settings = {
            "distributed.nanny.pre-spawn-environ": {**ONE_THREAD, **_ALLOCATOR},
            "distributed.comm.timeouts.connect": f"{_CONNECT_S}s",
            "distributed.scheduler.allowed-failures": 3,
            "distributed.admin.log-format": "%(message)s",
        }
        with dask.config.set(settings):
            try:
                if address == LOCAL:
                    self._cluster = LocalCluster(
                        n_workers=workers or available(),
                        threads_per_worker=1,
                        processes=True,
                        host="127.0.0.1",
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
                self._client = Client(self._cluster or address, timeout=_CONNECT_S)
            except (OSError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise InputError(f"--cluster {address}: no scheduler answers: {reason}") from None
        self._executor: Executor = self._client.get_executor(pure=False)
        self.workers = self._count(workers)

    def _count(self, workers: int | None) -> int:
        """Threads of the workers that are there; some may be on their way."""
        until = time.monotonic() + _WORKERS_S
        while not (there := sum(self._client.ncores().values())):
            if time.monotonic() > until:
                self.close()
                raise InputError(f"--cluster {self.address}: the scheduler has no workers")
            time.sleep(0.2)
        return there if workers is None else min(workers, there)

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        """Hand over a chunk."""
        return self._executor.submit(run_chunk, task)

    def is_lost(self, error: BaseException) -> bool:
        """Whether workers were killed, or the scheduler is gone."""
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        return isinstance(error, (KilledWorker, CancelledError, CommClosedError))

    def renew(self) -> bool:
        """The scheduler gives lost work to others, if it is still there."""
        return bool(self._client.status == "running")

    def close(self) -> None:
        """Leave the cluster; one that was made here ends."""
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close(timeout=5)
