"""A network as a layer list for the runner of operations: what plain loops of its shapes cost.

That runner has the plain variants; its weights are its own random ones, and tensors lie where the
network's plan has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from simcore.elf import Image
from simcore.network.graph import Operator
from simcore.network.lowering import KernelCall
from simcore.network.steps import Step
from simcore.study.layers import Network

_LIST_BYTES: Final = 8192  # kernels/programs/nn_host.h, with the final zero
_LAYERS, _NAME_BYTES = 128, 31  # MOST_OPERATIONS, NAME_BYTES of kernels/programs/nn.c
_CHANNELS: Final = 1024  # MOST_CHANNELS of kernels/programs/nn_memory.h
_SIDE: Final = 64  # of windows and strides: kernels/programs/nn_convolutions.c
_PREFIX: Final = "op_"  # of the other runner's kernels
_COPY: Final = "op_copy"


def kernel_name(call: KernelCall) -> str:
    """What the kernel of a call is called in kernels/src."""
    return call.kernel.removeprefix(_PREFIX)


def layer_list(network: Network, variant: str, runner: Image) -> str | None:
    """The list; None of a network that this runner cannot run.

    Copies in place are left out: plain code has none.
    """
    lines, steps = [f"# {network.title}"], network.lowered.steps
    for step in steps:
        if step.call.kernel == _COPY and _is_in_place(network, step):
            continue
        words = _arguments(network, step)
        if words is None or len(network.layer_name(step)) > _NAME_BYTES:
            return None
        line = f"{kernel_name(step.call)} name={network.layer_name(step)} {words}"
        lines.append(f"{line} variant={variant}")
    text = "\n".join(lines) + "\n"
    fits = len(text.encode()) < _LIST_BYTES and len(lines) <= _LAYERS and text.isascii()
    return text if fits and _has_room(network, runner) else None


def _is_in_place(network: Network, step: Step) -> bool:
    (made,) = (step.key(index) for index in step.operator.outputs)
    return network.plan.places[made].shares is not None


def _has_room(network: Network, runner: Image) -> bool:
    """Whether tensors and the weights of each layer fit into what the runner has for them."""
    places = {name: runner.symbol(name) for name in ("flash_weights", "__bss_end", "__arena_end")}
    weights, start, end = places.values()
    if weights is None or start is None or end is None:
        return False
    largest = max((tensor.size_bytes for tensor in network.weights), default=0)
    room = end.address - (start.address + 31) // 32 * 32
    return largest <= weights.size and network.peak_activation_bytes <= room


def _arguments(network: Network, step: Step) -> str | None:
    """A layer's arguments; None of one that the runner does not have."""
    tensors = network.lowered.model.subgraphs[step.subgraph].tensors
    operator = step.operator
    read = [tensors[index] for index in operator.inputs if index >= 0]
    computed = [one for one in read if one.data is None]
    output = tensors[operator.outputs[0]]
    shape = computed[0].shape
    found: dict[str, int | str]
    match kernel_name(step.call):
        case "fully_connected_s8" if output.elements == output.shape[-1]:
            found = {"inputs": prod(shape), "outputs": output.elements}
        case "softmax_s8":
            found = {"rows": prod(shape[:-1]), "columns": shape[-1]}
        case "add_s8" | "mul_s8" if [one.shape for one in computed] == [output.shape] * 2:
            found = {"size": output.elements}
        case "pointwise_conv2d_s8" if shape[0] == 1:
            found = _picture(shape) | {"filters": output.shape[3]}
        case "conv2d_s8" if shape[0] == 1:
            window = _window(operator, read[1].shape[1:3])
            found = _picture(shape) | window | {"filters": output.shape[3]}
        case "depthwise_conv2d_s8" if shape[0] == 1:
            window = _window(operator, read[1].shape[1:3])
            found = _picture(shape) | window | {"multiplier": output.shape[3] // shape[3]}
        case "max_pool_s8" | "average_pool_s8" if shape[0] == 1:
            sizes = [_number(operator, f"filter_{axis}") for axis in ("height", "width")]
            found = _picture(shape) | _window(operator, sizes)
        case _:
            return None
    if step.call.macs and output.shape[-1] > _CHANNELS:
        return None
    if any(found.get(key, 1) not in range(1, _SIDE + 1) for key in ("kh", "kw", "sh", "sw")):
        return None
    if found.get("dilation") == 0:
        return None
    if str(operator.options.get("fused_activation_function", "NONE")).startswith("RELU"):
        found["activation"] = "relu"
    places = network.plan.places
    for key, one in (*zip(("in", "in2"), computed, strict=False), ("out", output)):
        found[key] = places[step.key(one.index)].offset
    return " ".join(f"{key}={value}" for key, value in found.items())


def _picture(shape: Sequence[int]) -> dict[str, int | str]:
    return dict(zip(("h", "w", "c"), shape[1:], strict=True))


def _window(operator: Operator, sizes: Sequence[int]) -> dict[str, int | str]:
    """Arguments of a window of (height, width); a dilation of 0 where axes have different ones."""
    found: dict[str, int | str] = dict(zip(("kh", "kw"), sizes, strict=True))
    found |= {f"s{axis}": _number(operator, f"stride_{axis}") for axis in "hw"}
    dilations = {_number(operator, f"dilation_{axis}_factor") for axis in "hw"}
    if dilations != {1}:
        found["dilation"] = dilations.pop() if len(dilations) == 1 else 0
    return found | {"pad": str(operator.options.get("padding", "SAME")).lower()}


def _number(operator: Operator, option: str) -> int:
    value = operator.options.get(option, 1)
    return value if isinstance(value, int) else 0
