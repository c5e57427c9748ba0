"""Every longer text of the page, so that words can be read and changed in one place."""

TITLE = "genimg_ui"
LEAD = "Open a photograph, paint over what should change, press Apply. Nothing else changes."
PAINT_FIRST = "Paint over what should change, then press Apply."
PREPARED = (
    "Mask and prompt are filled in: press Apply. Then change the prompt, CFG or Denoise, "
    "and press it again."
)
PRESET = "The settings for a usual job, set at once."
TASKS = {
    "inpaint": "Inpaint",
    "outpaint": "Outpaint",
    "image-to-image": "Image to image",
    "text-to-image": "Text to image",
    "upscale": "Upscale",
}
TASK_INFO = {
    "inpaint": "Repaints what is painted; nothing else changes.",
    "outpaint": "Paints beyond the picture's edges; the picture itself stays.",
    "image-to-image": "Repaints the whole picture, as far as Denoise lets it. No mask is used.",
    "text-to-image": "Paints the whole canvas from noise. Begin with a new canvas.",
    "upscale": "Enlarges the whole picture. A model paints detail; Lanczos only resamples.",
}
TASK_NEVER = "Not used: the whole picture is repainted."
TASK_STRENGTH = "Text to image begins with noise alone: 1."
TASK_MODEL = "{old} does not serve this task, so the model is {new} now."
TASK_BACK = "{new} is the model again."
TASK_TILE = "The control tile is on, so that each part keeps to what is there."
NOT_HERE = "{title} (not here)"
FETCH_IT = "**Not here:** fetch it in the [Models tab](#models), {size}."
CANNOT_USE = "**Not here:** {lack}."
NO_TASK_MODEL = "No model here serves this task. The tab Models says what can be fetched."
NEW_CANVAS = "An empty canvas is open. Write a prompt, then press Apply."
VARY = "The result is the source, to be repainted in variants. Set Denoise, then press Apply."
PROGRESSIVE = "A border beyond half of the picture grows step by step, each seeing the last."
OVERLAP = "What each pass shares with what is there already, in pixels."
PROMPT = "What should appear in the painted place (not the rest of the picture)."
PROMPT_WHOLE = "What the whole picture should show."
NEGATIVE = "What must not appear."
STRENGTH = (
    "How far the model may leave the pixels under the mask. 1 repaints, 0.2–0.4 keeps shapes. "
    "It also scales the number of steps that run."
)
GUIDANCE = "How closely the model follows the prompt. 5–9 is usual; high values burn the picture."
TRUE_CFG = (
    "For models whose CFG is built in or absent: holds the prompt against the negative prompt. "
    "1 is off; more takes twice the time."
)
GUIDANCE_END = (
    "The share of the steps after which CFG stops. Below 1 is faster, as the model then runs once "
    "a step instead of twice; details follow the prompt less."
)
STEP_CACHE = "Takes over from the step before what has hardly changed: faster, less exact."
STEP_CACHE_THRESHOLD = "How large a change still counts as small; empty: the usual value."
REFINER = "The share of the steps after which the refiner takes over; 1 is without it."
STEPS = "More is slower, and better only up to about 50."
SCHEDULER = "The method that turns noise into the picture; default is the model's own."
GROW = "Widens the mask (below 0: narrows it), in pixels of the picture."
FEATHER = "Soft edge inside the mask; never reaches beyond it."
FILL = "What the model finds under the mask before it starts."
COLOUR_MATCH = (
    "Brings the new colours to those around the mask, only where that fits better. "
    "offset: one shift; blend: place by place; seam: also the step at the mask's edge."
)
ANCHOR_STEP_NOISE = (
    "For samplers that add noise at each step: it belongs to the picture, so a seed keeps its "
    "texture when the mask grows."
)
FILL_MODE = "auto: remove for a painted mask, extend for a border."
PADDING = "How much around the mask the engine sees, in pixels of the picture."
ANCHOR_CONTEXT = (
    "The dashed box holds still while the mask grows a little, so a seed keeps more of what it "
    "painted. It is often larger than Context padding asks."
)
ONLY_MASKED = (
    "The engine works on the dashed box only, at its best size. Off: on the whole picture."
)
CONTROL = "Keeps outlines, depth or colours of what is under the mask."
NEVER = "Not used by this model."
CONTROL_LABELS = ("Control", "Second control", "Third control")
ANNOTATOR = "What draws the map of the picture."
KNOB = "{low:g} to {high:g}; empty: {default:g}"
MAP_WAITING = "Drawing the control map …"
MAP_SHOWN = "The control map lies on the canvas ({size}); it changes nothing."
MAP_KEPT = "The ready map is used as it is. It must be as large as the picture or its canvas."
LORA_LABELS = ("LoRA", "Second LoRA", "Third LoRA", "Fourth LoRA")
LORA = "A style or a subject that is added to the model for this edit; 0 is without it."
LORA_NEVER = "This model has none. Its entry in models.yaml lists them, under loras."
TRIGGER = "Its words:"
FEW_STEPS = "{lora} is made for {scheduler}, {steps} steps and CFG {guidance:g}: they are set."
EMBEDDING = "A word that stands for a picture's subject or style. It acts where the prompt says it."
EMBEDDING_NEVER = "This model has none. Its entry in models.yaml lists them, under embeddings."
REFERENCE_LABELS = ("Choose a reference", "Choose a second one", "Choose a third one")
REFERENCE = "How much the result shall resemble the reference; its middle square is read."
REFERENCE_NEVER = "This model reads no reference pictures."
REFERENCE_KEPT = "The reference is kept with the edit. It does not have to fit the picture's size."
PROMPT_WEIGHTING = (
    "(word)1.3 or word++ says more of it, (word)0.7 or word-- less; long prompts are read whole."
)
NO_LOOKS = "Control maps cannot be previewed here: they are drawn when the edit runs."
CONTROL_OFF = "{model} does not take the control {kinds}, which is off now."
CONTROL_NEVER = "This model takes no control."
APPLY_KEYS = "Ctrl+Enter applies, Esc cancels, ? on the canvas lists the keys."

FIELD_LABELS = {
    "strength": "Denoise",
    "guidance_scale": "CFG",
    "true_cfg_scale": "True CFG",
    "refiner_switch_at": "Refiner from",
    "num_inference_steps": "Steps",
}
ASPECTS = {
    "free": None,
    "1:1": 1.0,
    "4:5": 4 / 5,
    "3:2": 3 / 2,
    "16:9": 16 / 9,
    "9:16": 9 / 16,
}
ANCHORS = {
    "centre": (0.5, 0.5),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "top left": (0.0, 0.0),
    "top right": (1.0, 0.0),
    "bottom left": (0.0, 1.0),
    "bottom right": (1.0, 1.0),
}
FIELDS = "A line for each [field] of the prompt. {a|b} in the prompt means both."
SEEDS_HELP = "One number is how many seeds, a list such as 7, 11, 42 is the seeds themselves."
SWEEP_HELP = (
    "A list such as 0.3, 0.5, 0.7, or a range such as 0.3..0.9 x 4. "
    "Everything else stays as it is, the seed too."
)
TEMPLATE = "[field] is filled from the lines below; {a|b} is one or the other."
OPENED = "Paint over what should change, then press Apply."
CARRIES = "This file carries the edit that made it. Paint on it, or bring that edit back."
RECALL = "Restore the edit"
DOWNLOAD_FORMAT = (
    "PNG and TIFF keep everything, WebP 8 bits per channel. JPEG encodes every pixel anew, also "
    "the locked ones. Layers: source, patch and mask."
)
DOWNLOAD_QUALITY = "Above 90 the eye hardly sees a difference."
DOWNLOAD_BARE = "No settings, no prompt, no seed. Such a file cannot be restored or replayed."
DOWNLOAD_SIGNED = (
    "Says in the file, signed, that it was edited, where, and with what kind of tool. "
    "Not for layers."
)
DOWNLOAD_TEST = f"{DOWNLOAD_SIGNED} Signed with a test certificate, which proves no identity."
EDGES = ("hidden", "faint", "visible")
EDGE_COLOURS = ("fit", "differ a little", "differ")
MATCHED = {
    "offset": "shifted to fit the colours around the mask",
    "blend": "blended into the colours around the mask",
    "seam": "blended into the colours around the mask, up to its edge",
}
MATCH_LEFT = "left as they are: no change fits better"
MATCH_BLIND = "left as they are: too little is known around the mask"
BUNDLE_HELP = (
    "A bundle is one ZIP with everything that the shown result needs to be made again elsewhere."
)
REPLAY_HELP = "Replay makes it again here and says whether every pixel is the same."
REPLAY_ELSEWHERE = (
    "Here nothing replays: replay the bundle elsewhere, with the command replay FILE.zip."
)
REPLAY_WAITING = "Waiting for edits to finish."
REPLAY_VERDICTS = {
    "identical": "Identical: every pixel came out the same.",
    "differs": "The pixels differ.",
    "refused": "It cannot run.",
}
