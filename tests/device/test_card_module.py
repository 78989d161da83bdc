"""A module with a card: where things go, what is said, and that it plays on whatever becomes of the card."""

import errno
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any, List

import pytest

from neurorave_device.config import load_given
from neurorave_device.face_process.card_watch import CardWatch
from neurorave_device.launch.memory import Memory
from neurorave_device.storage.card import CardState, prepare
from neurorave_device.storage.card_log import LARGEST, drop_log, keep_log, logger
from neurorave_device.storage.patch import default_patch, patch_file, to_payload
from tests.device.toy import TOY, copy_toy


@pytest.fixture
def card(tmp_path: Path) -> str:
    folder = tmp_path / "card"
    folder.mkdir()
    assert prepare(str(folder)) == ""
    return str(folder)


def begin(card: str, **given: Any) -> Any:
    memory = Memory(load_given(None, dict(given, card=card)))
    return memory, memory.begin()


def test_what_is_remembered_is_on_the_card(card: str) -> None:
    memory, beginning = begin(card)
    assert memory.folder == os.path.join(card, "settings")
    assert beginning.sentences == []
    assert memory.open() == (True, [])
    assert memory.keep(default_patch()) is None
    memory.close()
    assert os.path.isfile(os.path.join(card, "settings", "patch.json"))


def test_the_bundle_of_the_last_time_is_found_on_the_card(card: str, tmp_path: Path) -> None:
    mine = os.path.join(card, "models", "mine")
    shutil.copytree(copy_toy(tmp_path), mine)
    patch_file(os.path.join(card, "settings")).save(
        to_payload(default_patch()._replace(bundle="mine"))
    )
    _, beginning = begin(card)
    assert beginning.config.bundle == mine and beginning.recalled
    shutil.rmtree(mine)
    _, beginning = begin(card)
    assert beginning.config.bundle.endswith("hand_percussion")
    assert len(beginning.sentences) == 1 and "plays instead" in beginning.sentences[0]


def test_without_a_card_it_plays_and_remembers_where_it_does_otherwise(tmp_path: Path) -> None:
    memory, beginning = begin(str(tmp_path / "nothing"))
    assert memory.folder.startswith(os.environ["XDG_STATE_HOME"])
    assert len(beginning.sentences) == 1 and "is not there" in beginning.sentences[0]
    assert not os.path.exists(str(tmp_path / "nothing"))


def test_a_card_that_cannot_be_written_to_is_one_sentence_and_playing_goes_on(
    card: str, monkeypatch: Any
) -> None:
    memory, _ = begin(card)
    memory.open()

    def refuse(path: str, *_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("neurorave_device.storage.safe_file._write", refuse)
    sentence = memory.keep(default_patch())
    assert (
        sentence is not None
        and "Read-only file system" in sentence
        and "playing goes on" in sentence
    )
    memory.close()


def test_the_player_hears_of_the_card_when_something_changes_and_not_again(tmp_path: Path) -> None:
    states = [CardState(True, True, 1, "")]
    said: List[str] = []
    watch = CardWatch("/card", said.append, lambda card: states[-1])
    watch.step()
    assert said == []
    for megabytes in (60, 59, 58):
        states.append(
            CardState(True, True, 1, "The card at /card has only %d MB left." % megabytes)
        )
        watch.step()
    assert said == ["The card at /card has only 60 MB left"]
    states.append(CardState(False, False, None, "The card at /card is not there."))
    watch.step()
    states.append(CardState(True, True, 1, ""))
    watch.step()
    assert said[1:] == ["The card at /card is not there", "The card at /card is well again"]


def test_a_card_that_hangs_holds_up_nobody() -> None:
    looking, free = threading.Event(), threading.Event()
    calls = []

    def look_at(card: str) -> CardState:
        calls.append(card)
        if len(calls) > 1:
            looking.set()
            free.wait(60.0)
        return CardState(True, True, 1, "")

    class Soon(threading.Event):
        """An event that is waited for no time at all."""

        def wait(self, timeout: Any = None) -> bool:
            return self.is_set()

    stop = Soon()
    CardWatch("/card", lambda sentence: None, look_at).start(stop)
    assert looking.wait(60.0)
    stop.set()
    free.set()


def test_the_log_is_on_the_card_and_never_large(card: str) -> None:
    handler = keep_log(card)
    for number in range(6000):
        logger().info("%d %s", number, "a sentence of some length " * 5)
    drop_log(handler)
    logger().info("after the end")
    folder = os.path.join(card, "logs")
    assert sorted(os.listdir(folder)) == ["neurorave.log", "neurorave.log.1"]
    assert all(
        os.path.getsize(os.path.join(folder, name)) <= LARGEST for name in os.listdir(folder)
    )
    with open(os.path.join(folder, "neurorave.log"), encoding="utf-8") as handle:
        last = handle.read().splitlines()[-1]
    assert "5999" in last


def test_a_card_that_goes_while_the_log_is_written_is_nobodys_trouble(
    card: str, capsys: Any, tmp_path: Path
) -> None:
    handler = keep_log(card)
    assert handler is not None
    shutil.rmtree(card)
    logger().info("x" * LARGEST)
    logger().info("y" * LARGEST)
    drop_log(handler)
    assert capsys.readouterr() == ("", "")
    assert keep_log(str(tmp_path / "nothing")) is None


def test_a_bundle_with_a_name_of_300_characters_in_its_description_is_refused(
    tmp_path: Path,
) -> None:
    from neurorave_device.engine.description import read_description
    from neurorave_device.errors import UserError

    folder = copy_toy(tmp_path)
    path = os.path.join(folder, "bundle.yaml")
    with open(path, encoding="utf-8") as handle:
        text = handle.read()
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(text.replace("name: toy", "name: " + "n" * 300, 1))
    with pytest.raises(UserError, match="name"):
        read_description(folder)


def test_the_card_is_a_key_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "neurorave.yaml"
    path.write_text("card: sd\n")
    assert load_given(str(path)).config.card == str(tmp_path / "sd")
    assert (
        json.loads(json.dumps(load_given(None, {"bundle": TOY}).config._asdict()))["card"] is None
    )
