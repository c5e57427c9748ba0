"""The raters' page over HTTP: blind, kept over a reload, closed to everything else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from genimg_ui.history.names import session_id
from genimg_ui.history.private import PrivateSecret
from genimg_ui.judging.studies import Entrant, Studies, Wish
from genimg_ui.judging.study import Study
from genimg_ui.links import ROUTE, Links
from genimg_ui.raters import RaterPages
from tests.judging.conftest import result_png

MODELS = ("alpha-model", "beta-model", "gamma-model")
RATER = "7" * 32


@pytest.fixture
def studies(tmp_path: Path) -> Studies:
    return Studies(tmp_path / "data")


@pytest.fixture
def study(studies: Studies, tmp_path: Path) -> Study:
    entrants = []
    for n, model in enumerate(MODELS):
        path = tmp_path / f"{model}.png"
        path.write_bytes(result_png(40 * n, model))
        entrants.append(
            Entrant(
                case="1",
                prompt="a <b>boat</b>",
                player=model,
                entry=f"entry-{model}",
                index=0,
                path=path,
            )
        )
    return studies.make(session_id("a" * 32), entrants, Wish(title="Boats", seed=1))


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path / "data", PrivateSecret(tmp_path / "data"))


@pytest.fixture
def client(studies: Studies, links: Links) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=RaterPages(studies, links).routes())) as served:
        yield served


def test_no_answer_of_the_server_names_a_model(
    client: TestClient, study: Study, links: Links
) -> None:
    said = [client.get(f"/judge/{study.id}")]
    said += [client.get(f"/judge/rater/{name}") for name in ("rater.js", "rater.css")]
    pair = client.get(f"/judge/{study.id}/pair", params={"rater": RATER})
    said.append(pair)
    for _ in range(3):
        told = pair.json()
        assert told["prompt"] == "a <b>boat</b>"
        for address in (told["left"], told["right"], *told["soon"]):
            route, proof, name = address.removeprefix("../").split("/", 2)
            path = links.find(proof, name)
            assert route == ROUTE and path is not None
            assert b"model" not in path.read_bytes()
        body = {"rater": RATER, "pair": told["pair"], "choice": "tie", "place": told["place"]}
        pair = client.post(f"/judge/{study.id}/answer", json=body)
        said.append(pair)
    assert pair.json()["pair"] is None and pair.json()["done"] == 3
    for answer in said:
        assert answer.status_code == 200
        whole = answer.text + repr(answer.headers)
        for word in (*MODELS, *(item.entry for item in study.items), study.owner):
            assert word not in whole


def test_progress_is_the_raters_own_and_kept(client: TestClient, study: Study) -> None:
    address = f"/judge/{study.id}/pair"
    first = client.get(address, params={"rater": RATER}).json()
    body = {"rater": RATER, "pair": first["pair"], "choice": "left", "seconds": 2, "place": 0}
    client.post(f"/judge/{study.id}/answer", json=body)
    again = client.get(address, params={"rater": RATER}).json()
    assert (again["place"], again["done"], again["total"]) == (1, 1, 3)
    assert client.get(address, params={"rater": "8" * 32}).json()["done"] == 0
    back = client.get(address, params={"rater": RATER, "place": "0"}).json()
    assert back["pair"] == first["pair"] and back["said"] == "left"


def test_what_is_wrong_is_refused_with_a_sentence(
    client: TestClient, study: Study, studies: Studies
) -> None:
    answer = f"/judge/{study.id}/answer"
    for body in ("", "[]", "{}", '{"rater": 1}', "9" * 5000, '{"pair": 1e999}', "[" * 1900):
        told = client.post(answer, content=body)
        assert told.status_code == 400 and "must be" in told.json()["error"], body[:20]
    strange = json.dumps({"rater": RATER, "pair": 77, "choice": "left"})
    assert "one of the 3 here, got 77" in client.post(answer, content=strange).json()["error"]
    nan = '{"rater": "%s", "pair": 0, "choice": "left", "seconds": NaN}' % RATER  # noqa: UP031
    assert client.post(answer, content=nan).status_code == 400
    assert studies.answers(study.id).read() == []


@pytest.mark.parametrize("name", ["0" * 32, "..", "secret", "1" * 33])
def test_other_studies_and_files_are_not_there(client: TestClient, name: str) -> None:
    assert client.get(f"/judge/{name}").status_code == 404
    assert client.get(f"/judge/{name}/pair", params={"rater": RATER}).status_code == 404
    assert client.get(f"/judge/rater/{name}").status_code == 404


def test_the_page_may_load_nothing_from_elsewhere(client: TestClient, study: Study) -> None:
    page = client.get(f"/judge/{study.id}")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "http" not in page.text


@pytest.mark.parametrize("name", ["study.json", "answers.jsonl", "x.png"])
def test_only_pictures_of_a_study_have_addresses(
    study: Study, links: Links, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="must match"):
        links.url(tmp_path / "data" / "judging" / study.id / name)
