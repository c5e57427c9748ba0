"""What the log says of torch's machine."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from genimg_ui.backend import device  # noqa: E402  # it imports torch
from genimg_ui.backend.device import Device  # noqa: E402

pytestmark = pytest.mark.torch


def test_the_switches_are_those_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        switches = device._switches(cuda=True)
    finally:
        torch.use_deterministic_algorithms(before)
    assert switches["deterministic_algorithms"] == "true"
    assert (switches["cudnn.benchmark"], switches["cudnn.deterministic"]) == ("true", "false")
    assert "cudnn.benchmark" not in device._switches(cuda=False)
    assert set(device._attention_kernels()) == {"flash", "memory-efficient", "cudnn", "math"}


def test_a_processor_says_its_type_threads_and_instructions() -> None:
    record = Device("cpu", torch.float32).record("AttnProcessor2_0")
    assert (record.device, record.dtype, record.attention) == ("cpu", "float32", "AttnProcessor2_0")
    assert record.threads == torch.get_num_threads()
    assert record.instructions == torch.backends.cpu.get_cpu_capability()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_cuda_device_is_named_with_its_kernels() -> None:
    record = Device("cuda", torch.float16).record("AttnProcessor2_0")
    assert torch.cuda.get_device_name() in record.device
    assert record.attention.startswith("AttnProcessor2_0 (")
    assert record.determinism["cudnn.allow_tf32"] in ("true", "false")


def test_attention_chooses_among_the_kernels_of_an_earlier_run_for_its_time() -> None:
    before = device._attention_kernels()
    assert before["flash"] and before["math"]  # switches of torch, also without a CUDA device
    with device.attention_among(("math", "cudnn", "of another version")):
        now = device._attention_kernels()
        assert {name for name, on in now.items() if on} == {"math", "cudnn"}
    assert device._attention_kernels() == before
    for nothing in ((), ("of another version",)):
        with device.attention_among(nothing):
            assert device._attention_kernels() == before


def test_threads_are_set_for_a_time() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), device.threads(before + 2):
        assert torch.get_num_threads() == before + 2
        raise KeyError
    assert torch.get_num_threads() == before


def test_switches_of_an_earlier_run_are_set_for_a_time() -> None:
    before = device._switches(cuda=True)
    other = {"cudnn.deterministic": "true", "cudnn.allow_tf32": "false"}
    other |= {"deterministic_algorithms": "true", "float32_matmul_precision": "high"}
    other |= {"cuda.matmul.allow_tf32": "true"}
    assert all(before[name] != value for name, value in other.items())
    with (
        pytest.raises(KeyError),
        device.switched(other | {"of another version": "true", "cudnn.benchmark": "often"}),
    ):
        assert device._switches(cuda=True) == before | other
        raise KeyError
    assert device._switches(cuda=True) == before
