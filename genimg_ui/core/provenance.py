"""What an edit was made with: weights, engine and machine, as the log keeps them.

Nothing here holds a path of this machine, because an entry travels inside the PNG that people
hand on.
"""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of weights: `name` is its place within the model's folder, with `/`."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """What took part beside the model itself: a ControlNet, an annotator, a LoRA.

    `revision` is the hub's commit, or a library's version; "" where there is neither.
    """

    role: str  # controlnet | annotator | lora
    name: str  # the kind of a control, as the request asks for it; the weight of a LoRA
    source: str  # hub id, a folder's own name, or the library that does it
    revision: str = ""
    files: tuple[FileRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """The model of an edit. An engine without weights has neither family, source nor files."""

    id: str  # in models.yaml
    engine: str = ""  # with its version where it has one of its own
    family: str = ""
    source: str = ""  # hub id, or a folder's own name
    revision: str = ""  # the hub's commit, resolved; "" for a folder
    quantisation: str = ""  # networks in fewer bits, each with its method; "" where there are none
    files: tuple[FileRecord, ...] = ()
    parts: tuple[PartRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRecord:
    """The machine, and how it was told to calculate."""

    device: str = ""
    dtype: str = ""  # of the weights
    attention: str = ""  # the kernel
    threads: int = 0  # 0: unknown
    cpu: str = ""  # as its maker calls it
    instructions: str = ""  # the widest instruction set that the engine uses, as it calls it
    determinism: dict[str, str] = field(default_factory=dict)  # switches of the engine's library


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """How one look of the model was fitted to the machine, where pixels may depend on it.

    Chosen by free memory and device; a run that shall give the same pixels asks for the same.
    """

    offload: str = "none"  # where the weights lay: none | model | group
    tiled: bool = False  # the autoencoder ran in tiles
    halved: bool = False  # guidance's two evaluations ran one after the other
    channels_last: bool = False
    fused_qkv: bool = False
    compiled: bool = False
    refiner_tuned: bool = False  # the three above were done to the refiner, too
    kernels: tuple[str, ...] = ()  # among which the attention could choose, on CUDA


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How an edit was run, for whoever runs it again: what its request does not say.

    `executions` has one item for each look of the model, variant by variant; () leaves it to the
    machine. `embeddings` are the tokens that were read as such; None: whatever models.yaml names.
    `threads` is how many the engine's library calculated in; 0: unknown. `determinism` are the
    switches of that library, as `RuntimeRecord` has them; {}: as they are.
    """

    executions: tuple[ExecutionRecord, ...] = ()
    embeddings: tuple[str, ...] | None = None
    threads: int = 0
    determinism: dict[str, str] = field(default_factory=dict)

    def look(self, index: int) -> "Again":
        """The same for look `index` alone."""
        return replace(self, executions=self.executions[index : index + 1])
