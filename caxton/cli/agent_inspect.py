"""`caxton agent inspect`: what a module holds and what a server would say to it, without a server."""

from typing import Final, Literal

import click
import msgspec

from caxton.cli.invocation import Invocation, output_option
from caxton.cli.parameters import LIMIT, read_file
from caxton.cli.refusal import Ended
from caxton.cli.tables import show_fields, show_json, size
from caxton.domain.limits import MIB, ResourceLimits
from caxton.runtime.inspection import ModuleLimits, ModuleReport, inspect_module
from caxton.runtime.manifest import Manifest
from caxton.runtime.validator import Validator

# The server's default of runtime.module_bytes_max; a server may be set otherwise.
_MODULE_BYTES_MAX: Final = 32 * MIB
# What the engine keeps for an instance, measured, without the pages that its data and its work touch.
_INSTANCE_BYTES: Final = 7 * 1024
# Up to here data segments are copied into each instance, above they are shared until written to.
_COPIED_DATA_BYTES_MAX: Final = 8 * 1024
_HOST_PAGE_BYTES: Final = 4096


@click.command()
@click.argument("module", metavar="FILE.wasm")
@click.option(
    "--profile",
    type=click.Choice(["strict", "standard"]),
    default="strict",
    show_default=True,
    help="The profile to judge it by.",
)
@click.option(
    "--limit", "limits", multiple=True, type=LIMIT, metavar="NAME=VALUE", help="Judge it by this limit."
)
@click.option("--wasi", is_flag=True, help="As if the inert subset of WASI were granted.")
@output_option
@click.pass_obj
def inspect(
    invocation: Invocation,
    module: str,
    profile: Literal["strict", "standard"],
    limits: tuple[tuple[str, int | float], ...],
    wasi: bool,
) -> None:
    """Report on a module, without a server: what it holds, and every problem that a server would name.

    The exit code is 0 when it would be taken, 1 when not. Faults that show only when it runs (a start
    function that traps, say) are found by the server.
    """
    try:
        data = read_file(module)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    report = inspect_module(
        data,
        profile=profile,
        limits=ModuleLimits(
            module_bytes_max=_MODULE_BYTES_MAX,
            memory_bytes_max=int(dict(limits).get("memory_bytes_max", ResourceLimits().memory_bytes_max)),
        ),
        granted_wasi=wasi,
        validate=Validator(),
    )
    if invocation.as_json:
        show_json(_document(report, module))
    else:
        _show(report, module, profile)
    if not report.accepted:
        raise _NotAccepted(report, profile, quiet=invocation.as_json)


def idle_bytes_estimate(report: ModuleReport) -> int:
    """Return about how many bytes of this machine's memory an idle instance of the module takes."""
    data = report.active_data_bytes
    pages = -(-data // _HOST_PAGE_BYTES) if data <= _COPIED_DATA_BYTES_MAX else 0
    return _INSTANCE_BYTES + pages * _HOST_PAGE_BYTES


class _NotAccepted(Ended):
    """The module would be refused. `quiet`: the report on standard output says it all."""

    def __init__(self, report: ModuleReport, profile: str, *, quiet: bool) -> None:
        count = len(report.problems)
        super().__init__(
            code="INVALID_WASM",
            message=f"a server would refuse this module under the profile {profile}: "
            f"{count} problem{'' if count == 1 else 's'}",
            details={"problems": [msgspec.structs.asdict(problem) for problem in report.problems]},
        )
        self._quiet: Final = quiet

    def show(self, file: object = None) -> None:
        del file
        if not self._quiet:
            super().show()


def _document(report: ModuleReport, module: str) -> dict[str, object]:
    document = msgspec.to_builtins(report, str_keys=True, builtin_types=())
    return {
        "file": module,
        "accepted": report.accepted,
        **document,
        "features_used": sorted(report.features_used),
        "optional_exports": sorted(report.optional_exports),
        "idle_bytes_estimate": idle_bytes_estimate(report) if report.exports else None,
    }


def _show(report: ModuleReport, module: str, profile: str) -> None:
    memory = report.memory
    manifest = report.manifest
    show_fields(
        [
            ("file", module),
            ("size", f"{report.size_bytes} bytes"),
            ("digest", report.digest),
            ("profile", f"{profile}: {'accepted' if report.accepted else 'refused'}"),
            ("exports", report.exports),
            ("imports", report.imports if report.exports else None),
            ("features", sorted(report.features_used)),
            (
                "memory",
                f"{size(memory.pages_min * memory.page_bytes)} at start, "
                + (
                    f"at most {size(memory.pages_max * memory.page_bytes)}"
                    if memory.pages_max is not None
                    else "grows up to the limit"
                )
                if memory is not None
                else None,
            ),
            ("data", f"{report.active_data_bytes} bytes copied at start" if report.exports else None),
            (
                "idle agent",
                f"about {size(idle_bytes_estimate(report))} (estimate)" if report.exports else None,
            ),
            ("start function", "yes, it runs when an instance is made" if report.has_start else None),
            ("manifest", _manifest(manifest) if manifest is not None else None),
        ]
    )


def _manifest(manifest: Manifest) -> dict[str, object]:
    said: dict[str, object] = msgspec.structs.asdict(manifest)
    return {name: value for name, value in said.items() if value not in (None, ())}
