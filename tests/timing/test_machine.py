"""What is read of a machine, from texts as several systems print them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from featherlight.timing import this_machine
from featherlight.timing.machine import from_cpuinfo, from_sysctl

XEON = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8480+
flags\t\t: fpu sse4_2 avx f16c fma avx2 avx512f avx512bw avx512vl avx512_vnni avx512_bf16 amx_tile amx_int8 amx_bf16

processor\t: 1
model name\t: another
"""
EPYC = "cpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: avx2 fma sse4_2 avx f16c\n"
RASPBERRY = "processor\t: 0\nFeatures\t: fp asimd aes asimdhp asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n"
APPLE = """\
machdep.cpu.brand_string: Apple M2
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.AdvSIMD: 1
"""
INTEL_MAC = """\
machdep.cpu.brand_string: Intel(R) Core(TM) i7-8569U CPU @ 2.80GHz
machdep.cpu.features: FPU VME SSE4.2 FMA AVX1.0 F16C
machdep.cpu.leaf7_features: BMI1 AVX2
"""


def test_x86_on_linux() -> None:
    name, sets = from_cpuinfo(XEON)
    assert name == "Intel(R) Xeon(R) Platinum 8480+"
    assert sets[:5] == ("sse4_2", "avx", "f16c", "fma", "avx2")
    assert "amx_int8" in sets


def test_a_name_cut_short_by_a_virtual_machine_is_told_apart_by_family_and_model() -> None:
    assert from_cpuinfo(EPYC)[0] == "AMD EPYC (family 25, model 1)"


def test_arm_on_linux_is_named_by_its_board() -> None:
    name, sets = from_cpuinfo(RASPBERRY, board="Raspberry Pi 5 Model B Rev 1.0\x00")
    assert name == "Raspberry Pi 5 Model B Rev 1.0 (implementer 0x41, part 0xd0b)"
    assert sets == ("asimd", "asimdhp", "asimddp")
    assert from_cpuinfo(RASPBERRY)[0] == "ARM (implementer 0x41, part 0xd0b)"


def test_macos() -> None:
    assert from_sysctl(APPLE) == ("Apple M2", ("asimd", "asimddp", "bf16"))
    name, sets = from_sysctl(INTEL_MAC)
    assert name.startswith("Intel(R) Core(TM) i7-8569U")
    assert sets == ("sse4_2", "avx", "f16c", "fma", "avx2")


@pytest.mark.parametrize("read", [from_cpuinfo, from_sysctl])
@pytest.mark.parametrize("text", ["", "\n:\n", "no colon here", ": : :"])
def test_a_text_that_tells_nothing_is_no_error(read: Callable[[str], object], text: str) -> None:
    assert read(text) == ("", ())


def test_this_machine_has_a_name_and_cores() -> None:
    here = this_machine()
    assert here.cpu
    assert 1 <= here.cores <= (os.cpu_count() or 1)
    assert here == this_machine()
