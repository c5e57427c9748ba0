"""What a person wants done, read from the request: all of it is inpainting on a canvas.

Inpaint and outpaint repaint a mask; image-to-image and text-to-image repaint the whole canvas,
which for text-to-image is a new, empty one; upscale repaints the whole of an enlarged canvas.
"""

from enum import StrEnum

from genimg_ui.core.request import EditRequest, Region
from genimg_ui.errors import RefusedInput

UPSCALES = (2, 4)  # the factors that are offered


class Task(StrEnum):
    """The kinds of edit, under the names that models.yaml uses."""

    INPAINT = "inpaint"
    OUTPAINT = "outpaint"
    IMAGE_TO_IMAGE = "image-to-image"
    TEXT_TO_IMAGE = "text-to-image"
    UPSCALE = "upscale"


MASKED = (Task.INPAINT, Task.OUTPAINT)
EVERY_TASK = tuple(Task)


def task_of(request: EditRequest) -> Task:
    """The task that a request describes.

    Where the whole picture is repainted at strength 1, nothing of the source is kept: that is
    text-to-image, on whatever canvas.
    """
    if request.upscale > 1:
        return Task.UPSCALE
    if request.region is Region.WHOLE:
        whole = request.sampling.strength < 1
        return Task.IMAGE_TO_IMAGE if whole else Task.TEXT_TO_IMAGE
    return Task.OUTPAINT if request.border else Task.INPAINT


def check_task(request: EditRequest, title: str, tasks: tuple[Task, ...], scale: int) -> None:
    """Refuse what contradicts itself, or what the model named `title` does not serve.

    `tasks` are the model's; `scale` is the factor that it enlarges by itself, 0 where it takes
    any. Raises RefusedInput.
    """
    if request.upscale not in (1, *UPSCALES):
        allowed = ", ".join(map(str, (1, *UPSCALES)))
        raise RefusedInput(f"upscale must be one of {allowed}, got {request.upscale}.")
    if request.upscale > 1 and request.region is not Region.WHOLE:
        raise RefusedInput(
            f"An enlargement repaints everything: region must be {Region.WHOLE}, "
            f"got {request.region}."
        )
    if request.region is Region.WHOLE and request.border:
        raise RefusedInput(
            "Where the whole picture is repainted, no border is added: it must be 0, 0, 0, 0, got "
            f"{', '.join(map(str, request.border))}.",
            remedy="Remove the border, or choose the task Outpaint.",
        )
    if request.region is Region.WHOLE and request.inpaint.box is not None:
        raise RefusedInput(
            "Where the whole picture is repainted, it is the context: no context box is taken, "
            "and one came.",
            remedy="Clear the context box.",
        )
    task = task_of(request)
    if task not in tasks:
        known = ", ".join(tasks)
        raise RefusedInput(
            f"{title} serves these tasks: {known}; got {task}.", remedy="Choose another model."
        )
    if scale and request.upscale > scale:
        raise RefusedInput(
            f"{title} enlarges {scale} times at most, got {request.upscale}.",
            remedy="Choose another model or a smaller factor.",
        )
