"""The page of all settings says what the settings say."""

import subprocess
import sys
from pathlib import Path

import msgspec

from caxton.config.page import configuration_page
from caxton.config.sections import Config
from caxton.config.walk import flat_values, setting_default, setting_shapes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

PROMISED = {
    "server": "host port metrics_port grpc_port tls.cert tls.key tls.client_ca",
    "runtime": "workers agents_max module_bytes_max allowed_profiles epoch_tick_ms pool_messages",
    "runtime.default_limits": "memory_bytes_max cpu_ms_max fuel_max execution_ms_max message_bytes_max "
    "mailbox_max messages_per_s_max",
    "messaging": "message_bytes_max mailbox_max reply_by_s conversation_ttl_s participants_max "
    "dead_letters_max history",
    "messaging.retry": "attempts delay_ms factor",
    "storage": "data_dir durability group_commit_ms retention_days",
    "security": "auth rate_limit audit_days behind_proxy",
    "observability": "log_level log_format trace_sample otlp_endpoint metrics_agents_max",
    "deployment": "keep_versions drain_timeout_s",
    "cluster": "enabled bind join secret expected_nodes nats_url",
}


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == configuration_page(), (
        "run: python -m caxton.config docs/configuration.md"
    )


def test_the_program_writes_the_page(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    subprocess.run(
        [sys.executable, "-m", "caxton.config", str(target)], check=True, timeout=60, cwd=PAGE.parents[1]
    )
    assert target.read_text(encoding="utf-8") == configuration_page()


def test_every_setting_has_a_reason_and_every_number_bounds() -> None:
    for key, shape in setting_shapes().items():
        assert shape.reason, key
        if shape.kind in {"whole", "number"}:
            assert shape.least is not None or shape.above is not None, key
            assert shape.greatest is not None, key


def test_every_number_with_a_unit_in_its_name_has_that_unit() -> None:
    units = {"_s": "seconds", "_ms": "milliseconds", "_days": "days"}
    for key, shape in setting_shapes().items():
        for ending, unit in units.items():
            if key.endswith(ending):
                assert shape.unit == unit, key
        if "bytes" in key:
            assert shape.unit == "bytes", key


def test_every_default_lies_within_its_bounds() -> None:
    for key, shape in setting_shapes().items():
        value = setting_default(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert shape.least is None or value >= shape.least, key
            assert shape.greatest is None or value <= shape.greatest, key
            assert shape.above is None or value > shape.above, key
        if shape.choices and value is not None:
            assert value in shape.choices, key


def test_every_promised_section_is_there() -> None:
    assert Config.__struct_fields__ == (
        "server",
        "runtime",
        "messaging",
        "storage",
        "security",
        "observability",
        "deployment",
        "tools",
        "cluster",
    )
    promised = {f"{section}.{name}" for section, names in PROMISED.items() for name in names.split()}
    assert promised <= set(setting_shapes())


def test_the_settings_can_be_written_as_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Config()), type=Config) == Config()
    assert len(dict(flat_values(Config()))) == len(setting_shapes())
