"""What the settings show once another model is chosen, by a person or because the old one went."""

from genimg_ui.core.tasks import Task
from genimg_ui.registry import ModelSpec
from genimg_ui.ui import views
from genimg_ui.ui.handlers.controls import without_untaken
from genimg_ui.ui.page import Page
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace


def model_chosen(page: Page, workspace: Workspace, spec: ModelSpec, values: Values) -> Updates:
    """The model's own values; what it cannot use is off; a sentence where it cannot be had here.

    `values` holds the task and the kinds of the controls. Nothing is said of the model's field.
    """
    settings = page.settings
    lack = workspace.lack_of(spec)
    defaults = settings.defaults(spec)
    task = Task(values[settings.task.task])
    updates, off = without_untaken(settings.control, values, spec, settings.allow(spec, task))
    said = " ".join(filter(None, (lack, *off)))
    status = views.message(said, kind="warning" if said else "")
    if task is Task.TEXT_TO_IMAGE:
        defaults[settings.sampling.strength] = 1.0
    for widget, value in defaults.items():
        updates[widget] = {**updates[widget], "value": value}
    return {page.status: status, settings.left: "", **updates}
