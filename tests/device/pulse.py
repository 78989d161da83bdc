"""A sound card for tests: a private PulseAudio daemon whose only card is a null sink.

PortAudio plays into it through ALSA's `pulse` plugin, in real time and without root, kernel module or hardware. The
sink's monitor is recorded with `parec`, so what a listener would hear is compared sample by sample.  All of it
lives in a folder of its own; nothing of the user's PulseAudio is touched.
"""

import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

SINK = "rig"
RATE = 44100
CHANNELS = 2
JACKS = "jacks"
JACK_CHANNELS = 6
# ALSA's own order, so that nobody mixes one channel into another.
JACK_MAP = "front-left,front-right,rear-left,rear-right,front-center,lfe"
SECONDS_TO_START = 10.0
# A sequence that counts in these steps is exact in float32, for three minutes.
STEPS = 2.0**23
PACKAGES = "pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"

_PLUGINS = "/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so"
_ALSA_BASE = "/usr/share/alsa/alsa.conf"
_PR_SET_PDEATHSIG = 1


def counted(samples: np.ndarray) -> np.ndarray:
    """Return which numbers of a sequence in `STEPS` the samples are, int64; 0 is silence."""
    return np.rint(samples.astype(np.float64) * STEPS).astype(np.int64)


def missing() -> Optional[str]:
    """Return what this machine lacks for the rig, None where it has everything."""
    for program in ("pulseaudio", "parec"):
        if shutil.which(program) is None:
            return "no program %s (Debian: %s)" % (program, PACKAGES)
    if not glob.glob(_PLUGINS) or not os.path.exists(_ALSA_BASE):
        return "no pulse plugin of ALSA (Debian: %s)" % PACKAGES
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError) as error:
        return "no PortAudio (%s; Debian: %s)" % (error, PACKAGES)
    return None


class PulseRig:
    """The daemon and its null sink; `close` ends everything and removes the folder.

    `priority` is the real-time priority of daemon and recorders, 0 for none: a card of metal is never late because
    something else is going on.
    """

    def __init__(self, sample_rate: int = RATE, priority: int = 0) -> None:
        # Not pytest's folder: the name of a socket may be 107 characters long at most.
        self.folder = tempfile.mkdtemp(prefix="neurorave-rig-")
        self.sample_rate = sample_rate
        self._priority = priority
        self._socket = self._path("native")
        self._daemon: Optional["subprocess.Popen[bytes]"] = None
        self._recorders: List["Recorder"] = []
        os.mkdir(self._path("run"), 0o700)
        self._write(
            "daemon.pa",
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n"
            "load-module module-null-sink sink_name={} format=float32le rate={} channels={}\n".format(
                self._socket, SINK, sample_rate, CHANNELS
            ),
        )
        # What is played into the sink `JACKS` is heard at the six inputs of a card of the same name.
        self._append(
            "daemon.pa",
            "load-module module-null-sink sink_name={} format=float32le rate={} channels={} channel_map={}\n".format(
                JACKS, sample_rate, JACK_CHANNELS, JACK_MAP
            ),
        )
        pcm = 'pcm.{} {{ type pulse server "unix:{}" device "{}" }}\n'
        self._write(
            "alsa.conf",
            "<{}>\n{}{}".format(
                _ALSA_BASE,
                pcm.format(SINK, self._socket, SINK),
                pcm.format(JACKS, self._socket, JACKS + ".monitor"),
            ),
        )

    def environment(self, **more: str) -> Dict[str, str]:
        """Return the environment in which PortAudio's only card is the rig's, named `SINK`."""
        mine = dict(os.environ, ALSA_CONFIG_PATH=self._path("alsa.conf"), HOME=self.folder)
        mine.update(XDG_RUNTIME_DIR=self._path("run"), PULSE_SERVER="unix:" + self._socket, **more)
        return mine

    def start(self) -> None:
        """Start the daemon and wait until it answers; RuntimeError with its own words where it does not."""
        log = open(self._path("daemon.log"), "ab")
        command = ["pulseaudio", "-n", "-F", self._path("daemon.pa"), "--daemonize=no"]
        command += ["--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
        # By itself it would ask the system's services for a priority, which is nobody's business here.
        command += ["--realtime=no", "--high-priority=no"]
        with log:
            self._daemon = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                preexec_fn=lambda: _begin(self._priority),
            )
        end = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            if time.monotonic() > end or self._daemon.poll() is not None:
                self.kill()
                with open(self._path("daemon.log")) as handle:
                    raise RuntimeError("pulseaudio does not start: " + handle.read()[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """End the daemon at once, as a pulled cable ends a sound card."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
            self._daemon = None

    def record(self) -> "Recorder":
        """Start to record the sink; while somebody records, the sink also keeps its latency low."""
        recorder = Recorder(self.environment(), self.sample_rate, self._priority)
        self._recorders.append(recorder)
        recorder.wait(int(0.2 * self.sample_rate))
        return recorder

    def python(self, module: str, *arguments: str) -> "subprocess.Popen[str]":
        """Start a Python module that plays, in a process whose only sound card is the rig's."""
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        return subprocess.Popen(
            [sys.executable, "-m", module] + list(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            universal_newlines=True,
            env=self.environment(PYTHONPATH=root, PYTHONUNBUFFERED="1"),
            preexec_fn=lambda: _begin(0),
        )

    def close(self) -> None:
        """End the recorders and the daemon, and remove the folder."""
        for recorder in self._recorders:
            recorder.stop()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            probe.connect(self._socket)
        except OSError:
            return False
        finally:
            probe.close()
        return True

    def play_jacks(self, path: str) -> "subprocess.Popen[bytes]":
        """Start to play a file of raw float32 with six channels into the jacks."""
        command = ["pacat", "-p", "-d", JACKS, "--raw", "--format=float32le", "--latency-msec=50"]
        command += ["--rate=%d" % self.sample_rate, "--channels=%d" % JACK_CHANNELS]
        command += ["--channel-map=" + JACK_MAP, path]
        return subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment(),
            preexec_fn=lambda: _begin(0),
        )

    def _append(self, name: str, text: str) -> None:
        with open(self._path(name), "a") as handle:
            handle.write(text)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _write(self, name: str, text: str) -> None:
        with open(self._path(name), "w") as handle:
            handle.write(text)


class Recorder:
    """A recording of the sink that grows; the first channel counts."""

    def __init__(self, environment: Dict[str, str], sample_rate: int, priority: int) -> None:
        command = ["parec", "-d", SINK + ".monitor", "--raw", "--format=float32le"]
        command += ["--rate=%d" % sample_rate, "--channels=%d" % CHANNELS, "--latency-msec=5"]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            preexec_fn=lambda: _begin(priority),
        )
        self._chunks: List[bytes] = []
        self._times: List[Tuple[int, float]] = []
        self._bytes = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def samples(self) -> np.ndarray:
        """Everything so far, float32 [n, CHANNELS]."""
        whole = b"".join(self._chunks[:])
        frame = 4 * CHANNELS
        return np.frombuffer(whole[: len(whole) // frame * frame], "<f4").reshape(-1, CHANNELS)

    @property
    def arrivals(self) -> np.ndarray:
        """When it came: rows of (samples so far, seconds of the machine's monotonic clock), float64."""
        return np.array(self._times[:], np.float64).reshape(-1, 2)

    def wait(self, count: int, seconds: float = 20.0) -> None:
        """Wait until `count` samples are there; RuntimeError where they do not come."""
        end = time.monotonic() + seconds
        while self._bytes < 4 * CHANNELS * count:
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError("parec gave %d samples" % (self._bytes // 4 // CHANNELS))
            time.sleep(0.02)

    def stop(self) -> None:
        """End the recording."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        stream: Any = self._process.stdout
        while True:
            chunk = os.read(stream.fileno(), 65536)
            if not chunk:
                stream.close()
                return
            self._bytes += len(chunk)
            self._times.append((self._bytes // 4 // CHANNELS, time.monotonic()))
            self._chunks.append(chunk)


def _begin(priority: int) -> None:
    # However the tests end, even by SIGKILL, no daemon stays behind.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if priority > 0:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
