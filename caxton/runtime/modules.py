"""Modules that agents run: judged, compiled once, shared, kept on disk.

A module comes in as bytes or by its digest and goes out as a lease on machine code. What is in memory
is found at once; what is on disk, or new, is read, judged and compiled on the background thread. Code
lives as long as an agent uses it, and a while longer. A module reaches the disk only after an agent has
started with it, so that a refused one leaves nothing behind.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar, final

import msgspec

from caxton.domain.agent import Profile
from caxton.domain.errors.agent import InvalidWasm
from caxton.domain.errors.request import InvalidRequest, NotFound
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import Digest, digest_of
from caxton.domain.problem import Problem, ProblemKind
from caxton.runtime import abi
from caxton.runtime.bridge import Bridge, EngineRefusal
from caxton.runtime.compile_thread import CompileThread
from caxton.runtime.compiled_cache import CodeKey, CompiledCache
from caxton.runtime.inspection import ModuleLimits, ModuleReport, inspect_module
from caxton.runtime.manifest import Manifest
from caxton.runtime.module_problem import module_problem
from caxton.runtime.module_store import ModuleStore
from caxton.runtime.seam import Code

# Data above this is mapped copy-on-write: below it a copy is cheaper than the two mappings of an image.
EAGER_DATA_BYTES_MAX: Final = 8 * 1024
# Code that no agent uses is kept for the next deployment, the most recently used, up to this many.
UNUSED_CODES_MAX: Final = 64
_HASHED_ON_LOOP_BYTES_MAX: Final = 64 * 1024

Result = TypeVar("Result")

_log = logging.getLogger("caxton.runtime.modules")


class Wish(NamedTuple):
    """What a deployer wants code for. Without a profile the module's manifest decides, then `strict`."""

    profile: Profile | None
    memory_bytes_max: int
    wasi: bool


class _Loaded(NamedTuple):
    """What the background thread made of a module."""

    profile: Profile
    code: Code
    report: ModuleReport
    module: bytes
    from_cache: bool


@final
class CodeEntry:
    """Machine code in memory and who uses it."""

    __slots__ = ("cached", "code", "copy_on_write", "digest", "module", "profile", "report", "users")

    def __init__(self, digest: Digest, loaded: _Loaded) -> None:
        self.digest = digest
        self.profile = loaded.profile
        self.code = loaded.code
        self.report = loaded.report
        self.copy_on_write = needs_copy_on_write(loaded.report)
        # The bytes stay until they are on the disk.
        self.module: bytes | None = loaded.module
        self.cached = loaded.from_cache
        self.users = 0

    def suits(self, wish: Wish) -> bool:
        """Tell whether the module is acceptable for this wish too; it was for an earlier one."""
        memory = self.report.memory
        memory_bytes_min = memory.pages_min * memory.page_bytes if memory is not None else 0
        needs_wasi = any(name.startswith(f"{abi.WASI_MODULE}.") for name in self.report.imports)
        return memory_bytes_min <= wish.memory_bytes_max and (wish.wasi or not needs_wasi)


@final
class CodeLease(msgspec.Struct, eq=False, gc=False):
    """One agent's hold on machine code. Given back once, by `Modules.release`."""

    entry: CodeEntry
    released: bool = False

    def __post_init__(self) -> None:
        self.entry.users += 1

    @property
    def digest(self) -> Digest:
        """The module's digest."""
        return self.entry.digest

    @property
    def profile(self) -> Profile:
        """The profile that the code was compiled for."""
        return self.entry.profile

    @property
    def code(self) -> Code:
        """The code itself."""
        return self.entry.code

    @property
    def manifest(self) -> Manifest | None:
        """What the module's author wishes."""
        return self.entry.report.manifest

    @property
    def size_bytes(self) -> int:
        """The size of the module."""
        return self.entry.report.size_bytes


@final
class Modules:
    """The modules of this server. Methods are for the loop unless they say otherwise."""

    def __init__(
        self,
        bridge: Bridge,
        store: ModuleStore,
        cache: CompiledCache,
        *,
        module_bytes_max: int,
        allowed_profiles: frozenset[Profile],
        compiler: CompileThread | None = None,
    ) -> None:
        self._bridge = bridge
        self._store = store
        self._cache = cache
        self._module_bytes_max = module_bytes_max
        self._allowed_profiles = allowed_profiles
        # Imported here: by now the bridge has told in plain words if the engine is missing.
        from caxton.runtime.validator import Validator  # noqa: PLC0415

        self._validate = Validator()
        self._compiler = compiler if compiler is not None else CompileThread()
        # Writes to the disk are serialised on a thread of their own, so that none waits for a compilation.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="caxton-modules")
        self._entries: dict[tuple[Digest, Profile], CodeEntry] = {}
        self._unused: OrderedDict[tuple[Digest, Profile], CodeEntry] = OrderedDict()
        # The profile that a module gets when its deployer names none.
        self._default_profiles: dict[Digest, Profile] = {}
        # How many agents are kept that run a module, in memory or not: its bytes stay on the disk.
        self._needed: Counter[Digest] = Counter()
        self.compiled_count = 0
        self.cache_hits_count = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def compiling_count(self) -> int:
        """Modules that are judged or compiled now, or wait for that."""
        return self._compiler.pending_count

    async def lease(self, module: bytes | None, digest: Digest | None, wish: Wish) -> CodeLease:
        """Return a hold on the code of a module, given as bytes or by digest.

        Raises:
            InvalidRequest: neither is given, or the bytes do not have the digest.
            NotFound: no module with this digest is here.
            InvalidWasm: with everything that is wrong with the module.
            ResourceLimitExceeded: too many modules wait to be compiled.
        """
        if module is not None and len(module) > self._module_bytes_max:
            # Judged here, since a module that is too large must not take room in the queue.
            raise _refusal(self._inspect(module, wish.profile or Profile.STRICT, wish))
        digest = await self._digest(module, digest)
        profile = wish.profile or self._default_profiles.get(digest)
        if profile is not None:
            entry = self._entries.get((digest, profile))
            if entry is not None and entry.suits(wish):
                self._unused.pop((digest, profile), None)
                return CodeLease(entry)
        size_bytes = len(module) if module is not None else 0
        loaded = await self._compiler.submit(lambda: self._load(module, digest, wish), size_bytes)
        return CodeLease(self._admit(digest, wish, loaded))

    async def keep(self, lease: CodeLease) -> None:
        """Put the module and its machine code on the disk: an agent has started with it.

        Raises:
            StorageFull: the disk has no room for the module.
        """
        entry = lease.entry
        if entry.module is not None:
            module = entry.module
            used = frozenset(digest for digest, _ in self._entries) | frozenset(self._needed)
            await self._on_disk(lambda: self._store.put(entry.digest, module, used))
            entry.module = None
        if not entry.cached:
            entry.cached = True
            try:
                await self._on_disk(lambda: self._keep_code(entry))
            except (OSError, CaxtonError, EngineRefusal):
                # A cache that cannot be written costs the next start some time, and nothing else.
                _log.warning("machine code could not be kept", exc_info=True)

    def release(self, lease: CodeLease) -> None:
        """Give a lease back; nothing in the core uses the code through it any more."""
        assert not lease.released, "a lease is given back once"
        lease.released = True
        entry = lease.entry
        entry.users -= 1
        if entry.users > 0:
            return
        key = (entry.digest, entry.profile)
        if entry.module is not None:
            # It never carried an agent, so it leaves nothing.
            self._drop(key, entry)
            return
        self._unused[key] = entry
        while len(self._unused) > UNUSED_CODES_MAX:
            self._drop(*self._unused.popitem(last=False))

    def need(self, digest: Digest) -> None:
        """Note that an agent is kept which runs this module: it is not removed to make room."""
        self._needed[digest] += 1

    def need_no_more(self, digest: Digest) -> None:
        """Undo one `need`."""
        self._needed[digest] -= 1
        if self._needed[digest] <= 0:
            del self._needed[digest]

    def close(self, timeout_s: float) -> bool:
        """Refuse new work, wait for the work in hand, free all code. Blocks; agents are gone by now.

        False when a compilation did not end in time: it still uses the engine, which must stay.
        """
        self._compiler.close()
        ended = self._compiler.join(timeout_s)
        self._disk.shutdown(wait=ended, cancel_futures=True)
        for key, entry in list(self._entries.items()):
            if entry.users == 0:
                self._drop(key, entry)
        self._cache.close()
        if ended:
            self._validate.close()
        return ended

    # --- inside ---

    async def _digest(self, module: bytes | None, digest: Digest | None) -> Digest:
        if module is None:
            if digest is None:
                raise InvalidRequest([_NO_MODULE])
            return digest
        if len(module) <= _HASHED_ON_LOOP_BYTES_MAX:
            actual = digest_of(module)
        else:
            actual = await asyncio.get_running_loop().run_in_executor(None, digest_of, module)
        if digest is not None and digest != actual:
            problem = Problem(
                field="module_digest",
                kind=ProblemKind.CONTRADICTION,
                problem=f"the module has the digest {actual}, not {digest}",
                fix="send the module or its digest, not both, or check how the module was sent",
            )
            raise InvalidRequest([problem])
        return actual

    def _load(self, module: bytes | None, digest: Digest, wish: Wish) -> _Loaded:
        """Read, judge and compile. On the background thread."""
        if module is None:
            module = self._store.get(digest)
            if module is None:
                raise NotFound("module", digest)
        profile = wish.profile or Profile.STRICT
        report = self._inspect(module, profile, wish)
        wanted = report.manifest.profile if report.manifest is not None else None
        if wish.profile is None and wanted not in {None, profile} and wanted in self._allowed_profiles:
            profile = Profile(wanted)
            report = self._inspect(module, profile, wish)
        if not report.accepted:
            raise _refusal(report)
        key = CodeKey(digest=digest, profile=profile, copy_on_write=needs_copy_on_write(report))
        code = self._cached_code(key)
        if code is not None:
            return _Loaded(profile, code, report, module, from_cache=True)
        try:
            code = self._bridge.compile(module, profile, copy_on_write=key.copy_on_write)
        except EngineRefusal as error:
            raise InvalidWasm([_engine_problem(str(error))]) from error
        return _Loaded(profile, code, report, module, from_cache=False)

    def _inspect(self, module: bytes, profile: Profile, wish: Wish) -> ModuleReport:
        limits = ModuleLimits(module_bytes_max=self._module_bytes_max, memory_bytes_max=wish.memory_bytes_max)
        return inspect_module(
            module,
            profile="strict" if profile is Profile.STRICT else "standard",
            limits=limits,
            granted_wasi=wish.wasi,
            validate=self._validate,
        )

    def _cached_code(self, key: CodeKey) -> Code | None:
        kept = self._cache.get(key)
        if kept is None:
            return None
        try:
            return self._bridge.deserialize(kept, key.profile, copy_on_write=key.copy_on_write)
        except EngineRefusal as error:
            self._cache.reject(key, str(error))
            return None

    def _admit(self, digest: Digest, wish: Wish, loaded: _Loaded) -> CodeEntry:
        if loaded.from_cache:
            self.cache_hits_count += 1
        else:
            self.compiled_count += 1
        if wish.profile is None:
            self._default_profiles[digest] = loaded.profile
        key = (digest, loaded.profile)
        entry = self._entries.get(key)
        if entry is not None:
            # Two deployers brought the same module at the same time; one copy is enough.
            self._bridge.free(loaded.code)
            self._unused.pop(key, None)
            return entry
        entry = self._entries[key] = CodeEntry(digest, loaded)
        return entry

    def _drop(self, key: tuple[Digest, Profile], entry: CodeEntry) -> None:
        self._entries.pop(key, None)
        self._unused.pop(key, None)
        if not any(digest == key[0] for digest, _ in self._entries):
            self._default_profiles.pop(key[0], None)
        self._bridge.free(entry.code)

    def _keep_code(self, entry: CodeEntry) -> None:
        key = CodeKey(digest=entry.digest, profile=entry.profile, copy_on_write=entry.copy_on_write)
        self._cache.put(key, self._bridge.serialize(entry.code))

    async def _on_disk(self, work: Callable[[], Result]) -> Result:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._disk, work))


def needs_copy_on_write(report: ModuleReport) -> bool:
    """Tell whether new instances should map the module's data instead of copying it."""
    return report.active_data_bytes > EAGER_DATA_BYTES_MAX


def _refusal(report: ModuleReport) -> InvalidWasm:
    return InvalidWasm([module_problem(found.code, found.message, found.hint) for found in report.problems])


def _engine_problem(reason: str) -> Problem:
    return module_problem(
        "invalid_module",
        f"the engine cannot compile the module: {reason}",
        "build it again with a current tool; if it is very large, split it",
    )


_NO_MODULE: Final = Problem(
    field="module",
    kind=ProblemKind.MISSING,
    problem="the agent has no module",
    fix="send the module's bytes or `module_digest` of a known one, or make the agent `external`",
)
