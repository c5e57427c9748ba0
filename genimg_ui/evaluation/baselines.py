"""The plain fills under names that an evaluation may ask for beside the models of models.yaml."""

from genimg_ui.core.request import FillUnderMask
from genimg_ui.core.tasks import Task
from genimg_ui.registry import ModelSpec, Registry

PREFIX = "fill:"
ENGINE = "fill"
CONTEXT_RATIO = 1.5  # as the exemplar engine, so that all of them see the same surroundings
_FILLS = (FillUnderMask.TELEA, FillUnderMask.BLUR, FillUnderMask.NEUTRAL, FillUnderMask.NOISE)


def baselines() -> tuple[ModelSpec, ...]:
    """`fill:telea`, `fill:blur`, `fill:neutral` and `fill:noise`, run by the engine `fill`."""
    return tuple(_spec(fill) for fill in _FILLS)


def with_baselines(registry: Registry) -> Registry:
    """The registry and, after its models, the baselines."""
    return Registry(
        (*registry.all(), *baselines()), registry.default, registry.added, registry.annotators
    )


def _spec(fill: FillUnderMask) -> ModelSpec:
    return ModelSpec(
        id=f"{PREFIX}{fill}",
        title=f"Fill {fill} (baseline)",
        engine=ENGINE,
        licence="Apache-2.0",
        source=str(fill),
        context_ratio=CONTEXT_RATIO,
        uses_seed=fill is FillUnderMask.NOISE,
        tasks=(Task.INPAINT, Task.OUTPAINT),
    )
