#!/usr/bin/env python3
"""Runs third-party test suites on real Flask/Quart or on asyncflask and compares.

  run.py --list
  run.py flask                                    baseline package (real Flask)
  run.py flask --on asyncflask --project PATH     asyncflask instead of Flask
  run.py quart --on asyncflask --project PATH     asyncflask instead of Quart
  run.py all   --on asyncflask --project PATH     every suite, one line each
  run.py flask --save-baseline                    write baselines/flask.json

A suite is a test suite of a published package. It is taken from the package's
source distribution through pip, or, for a suite that the source distribution
does not carry, from a checkout given with --src (a folder; for `all` a folder
that holds one folder per suite).  Suites, their virtual environments and logs
live in a cache folder ($ASYNCFLASK_CONFORMANCE_CACHE, else the user's cache
folder), never in the project.

Exit status: 0 no test does worse than in the baseline, 1 some do, 2 not run.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINES = HERE / "baselines"
PLUGIN = HERE / "plugin"
GOOD = ("passed", "skipped", "xfailed", "xpassed")
RANK = {"passed": 0, "xfailed": 1, "xpassed": 1, "skipped": 2, "failed": 3, "error": 4, "notrun": 5}


def cache_dir() -> Path:
    own = os.environ.get("ASYNCFLASK_CONFORMANCE_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "asyncflask-conformance"


def load_suites() -> dict[str, dict]:
    with open(HERE / "suites.toml", "rb") as f:
        return tomllib.load(f)


def nice(cmd: list[str]) -> list[str]:
    return (["nice", "-n", "19"] if shutil.which("nice") else []) + cmd


def call(cmd, **kw) -> None:
    done = subprocess.run(nice([str(c) for c in cmd]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise SystemExit2(f"failed ({done.returncode}): {' '.join(map(str, cmd))}\n{tail}")


class SystemExit2(Exception):
    pass


def slug(s: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", s)


def python_tag(python: str) -> str:
    out = subprocess.run([python, "-c", "import sys;print('%d.%d'%sys.version_info[:2])"], capture_output=True, text=True)
    return out.stdout.strip()


# -- the suite's files -----------------------------------------------------------------------------

def unpack(archive: Path, into: Path) -> None:
    into.mkdir(parents=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as z:
            z.extractall(into)
    else:
        with tarfile.open(archive) as t:
            t.extractall(into, filter="data") if hasattr(tarfile, "data_filter") else t.extractall(into)


def suite_source(name: str, suite: dict, src: Path | None, cache: Path, python: str) -> Path:
    """A fresh copy of the suite's tree, in the cache."""
    work = cache / "work" / name
    if work.exists():
        shutil.rmtree(work)
    work.parent.mkdir(parents=True, exist_ok=True)
    if src is not None:
        shutil.copytree(src, work, symlinks=True, ignore=shutil.ignore_patterns(".git", ".tox", ".venv"))
    elif suite.get("sdist"):
        want = suite["sdist"]
        store = cache / "sdist" / slug(want)
        if not store.exists() or not any(store.iterdir()):
            store.mkdir(parents=True, exist_ok=True)
            dist = re.split(r"[=<>!~ \[]", want)[0]
            call([python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", dist, "-d", store, want])
        archive = next(p for p in store.iterdir() if p.name.endswith((".tar.gz", ".zip")))
        tmp = work.with_name(name + ".unpack")
        if tmp.exists():
            shutil.rmtree(tmp)
        unpack(archive, tmp)
        tops = list(tmp.iterdir())
        shutil.move(str(tops[0] if len(tops) == 1 else tmp), work)
        shutil.rmtree(tmp, ignore_errors=True)
    else:
        raise SystemExit2(f"{name}: its source distribution carries no tests; give a checkout with --src "
                          f"(wanted: {suite.get('src', 'the project’s repository')})")
    for drop in suite.get("drop", []):
        p = work / drop
        shutil.rmtree(p, ignore_errors=True) if p.is_dir() else p.unlink(missing_ok=True)
    for rel, pattern, repl in suite.get("edits", []):
        f = work / rel
        f.write_text(re.sub(pattern, repl, f.read_text(), flags=re.M))
    return work


def expand(folder: Path, patterns: list[str]) -> list[str]:
    """The parts of a suite to run: paths, or patterns as in the shell."""
    found = []
    for pattern in patterns:
        found += sorted(str(p.relative_to(folder)) for p in folder.glob(pattern)) if "*" in pattern else [pattern]
    return found


# -- the suite's environment -----------------------------------------------------------------------

def environment(name: str, suite: dict, cache: Path, python: str, project: Path | None, pinned: dict | None) -> Path:
    venv = cache / "venv" / f"{name}-{python_tag(python)}"
    wants = [suite.get("pytest", "pytest>=8,<9"), "pytest-timeout", *suite.get("deps", [])]
    if suite.get("constrain_flask", True):
        wants += ["flask==3.1.3", "werkzeug>=3.1,<3.2"]
    if suite.get("target") == "quart":
        wants += ["quart==0.22.0", "pytest-asyncio"]
    lines = wants + sorted(f"{k}=={v}" for k, v in (pinned or {}).items())
    stamp = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    mark = venv / "conformance.stamp"
    exe = venv / "bin" / "python"
    constraints = cache / f"constraints-{name}.txt"
    constraints.write_text("\n".join(f"{k}=={v}" for k, v in (pinned or {}).items() if "+" not in v) + "\n")
    if not mark.exists() or mark.read_text() != stamp:
        shutil.rmtree(venv, ignore_errors=True)
        call([python, "-m", "venv", venv])
        call([exe, "-m", "pip", "install", "-q", "-c", constraints, *wants])
        mark.write_text(stamp)
    if project is not None:
        # Always again: the project's metadata may have changed. Its own code is editable.
        call([exe, "-m", "pip", "install", "-q", "-c", constraints, "-e", project, project / "as_flask"])
    return exe


def installed_versions(exe: Path) -> dict[str, str]:
    code = ("import importlib.metadata as m, json;"
            "print(json.dumps({d.metadata['Name'].lower().replace('_','-'): d.version for d in m.distributions()}))")
    out = json.loads(subprocess.run([str(exe), "-c", code], capture_output=True, text=True, check=True).stdout)
    for drop in ("pip", "setuptools", "asyncflask", "asyncflask-as-flask"):
        out.pop(drop, None)
    return dict(sorted(out.items()))


# -- one run ---------------------------------------------------------------------------------------

def read_log(log: Path) -> dict:
    outcomes: dict[str, str] = {}
    why: dict[str, str] = {}
    collected: list[str] = []
    running = None
    finish = None
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            r = json.loads(line)
            if r["event"] == "collected":
                collected = r["tests"]
            elif r["event"] == "start":
                running = r["test"]
            elif r["event"] == "end":
                running = None
            elif r["event"] == "finish":
                finish = r
            elif r["event"] == "report":
                t, o = r["test"], r["outcome"]
                if t not in outcomes or RANK[o] > RANK[outcomes[t]]:
                    outcomes[t] = o
                    if r["why"]:
                        why[t] = r["why"]
    for t in collected:
        if t not in outcomes:
            outcomes[t] = "notrun"
            why[t] = "the run ended in this test" if t == running else "the run ended before it"
    return {"outcomes": outcomes, "why": why, "finish": finish, "running": running}


def run_suite(name: str, suite: dict, args, pytest_args: list[str]) -> dict:
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    on = args.on or suite.get("target", "flask")
    target = suite.get("target", "flask")
    if on not in (target, "asyncflask"):
        raise SystemExit2(f"{name}: runs on {target} or asyncflask")
    baseline = load_baseline(name)
    pinned = None if args.save_baseline and not args.pinned else (baseline or {}).get("versions")
    if args.fresh:
        pinned = None
    src = None
    if args.src:
        src = Path(args.src)
        if len(args.suites) > 1:  # a folder of checkouts
            src = src / name if (src / name).is_dir() else None
    exe = environment(name, suite, cache, args.python, args.project if on == "asyncflask" else None, pinned)
    work = suite_source(name, suite, src, cache, args.python)
    log = cache / "log" / f"{name}-{on}.jsonl"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FLASK", "QUART"))}
    extra = [str(work / p) for p in suite.get("pythonpath", [])]
    env.update(
        CONFORMANCE_ON=on, CONFORMANCE_TARGET=target, CONFORMANCE_LOG=str(log),
        PYTHONPATH=os.pathsep.join([str(PLUGIN), *extra]), PYTHONDONTWRITEBYTECODE="1",
        PATH=str(exe.parent) + os.pathsep + env.get("PATH", ""), VIRTUAL_ENV=str(exe.parent.parent),
        HOME=str(work), no_proxy="*", **suite.get("env", {}),
    )
    cmd = [exe, "-m", "pytest", "-p", "conformance_plugin", "-o", "addopts=", "-q", "--tb=short",
           f"--timeout={suite.get('test_timeout', 60)}", "--timeout-method=signal", "--continue-on-collection-errors", *suite.get("args", [])]
    for d in suite.get("deselect", []):
        cmd.append(f"--deselect={d}")
    for d in suite.get("ignore", []):
        cmd.append(f"--ignore={d}")
    cmd += pytest_args or expand(work / suite.get("cwd", "."), suite.get("tests", ["tests"]))
    out = cache / "log" / f"{name}-{on}.txt"
    t0 = time.time()
    with services(suite.get("services", {})) as urls:
        code, killed = run_pytest(cmd, work / suite.get("cwd", "."), {**env, **urls}, out, args.timeout or suite.get("timeout", 900))
    res = read_log(log)
    res.update(seconds=round(time.time() - t0, 1), on=on, killed=killed, exit=code, out=str(out), exe=exe)
    return res


def run_pytest(cmd: list, cwd: Path, env: dict[str, str], out: Path, timeout: int) -> tuple[int, bool]:
    """Run it; return the exit status, and whether it was killed at the time limit."""
    with open(out, "w") as f:
        p = subprocess.Popen(nice([str(c) for c in cmd]), cwd=cwd, env=env, stdout=f,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            p.wait(timeout)
            return p.returncode, False
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
            return p.returncode, True


@contextlib.contextmanager
def services(wanted: dict[str, str]) -> Iterator[dict[str, str]]:
    """Start servers; give their URLs, by environment variable."""
    if not wanted:
        yield {}
        return
    sys.path.insert(0, str(HERE.parent.parent))
    import pytest
    from tests import services as known

    with contextlib.ExitStack() as stack:
        urls = {}
        for variable, name in wanted.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                server = getattr(known, name)(folder)
            except (pytest.skip.Exception, pytest.fail.Exception) as e:
                raise SystemExit2(str(e))
            server.start()
            stack.callback(server.kill)
            urls[variable] = server.url
        yield urls


def load_baseline(name: str) -> dict | None:
    p = BASELINES / f"{name}.json"
    return json.loads(p.read_text()) if p.exists() else None


def counts(outcomes: dict[str, str]) -> dict[str, int]:
    c = collections.Counter(outcomes.values())
    return {k: c.get(k, 0) for k in ("passed", "failed", "skipped", "error", "xfailed", "xpassed", "notrun")}


def line(c: dict[str, int]) -> str:
    s = f"{c['passed']} passed, {c['failed']} failed, {c['skipped']} skipped, {c['error']} errors"
    for k in ("xfailed", "xpassed", "notrun"):
        if c[k]:
            s += f", {c[k]} {k}"
    return s


def matches(test: str, patterns) -> str | None:
    for p in patterns:
        if test == p or test.startswith(p + "[") or test.startswith(p + "::"):
            return p
    return None


def compare(name: str, suite: dict, res: dict, verbose: bool) -> dict:
    base = load_baseline(name)
    if base is None:
        print("  (no baseline)")
        return {"ok": False}
    bo, no = base["outcomes"], res["outcomes"]
    inapplicable = suite.get("inapplicable", {}) if res["on"] == "asyncflask" else {}
    # Behind a server a request has another thread than the test. The page lists these.
    threads = suite.get("one_thread", {}) if os.environ.get("ASYNCFLASK_TEST_TRANSPORT") == "asgi" else {}
    threads = {t: threads[m] for t in bo if no.get(t) != "passed" and (m := matches(t, threads))}
    inapplicable = {**inapplicable, **threads}
    flaky = set(base.get("flaky", []))
    # A module that no longer collects takes all of its tests with it.
    worse, better, known, expected, same = [], [], [], [], 0
    for t, b in sorted(bo.items()):
        n = no.get(t, "missing")
        if b == "passed" and n != "passed" or b in ("xfailed", "skipped", "xpassed") and n not in GOOD:
            if n == "missing":
                n = "missing (not collected)"
            if (m := matches(t, inapplicable)):
                expected.append((t, n, inapplicable[m]))
            elif t in flaky:
                known.append((t, n))
            else:
                worse.append((t, n))
        elif b in ("failed", "error") and n == "passed":
            better.append(t)
        else:
            same += 1
    total = sum(1 for b in bo.values() if b == "passed") - sum(
        1 for t, b in bo.items() if b == "passed" and matches(t, inapplicable))
    ok = sum(1 for t, b in bo.items() if b == "passed" and no.get(t) == "passed" and not matches(t, inapplicable))
    print(f"  conformance: {ok} of {total} applicable tests that pass on {base['on']} {base['version']} pass here"
          f" ({100 * ok / total if total else 0:.1f} %)")
    if expected:
        print(f"  inapplicable, not counted: {len(expected)}")
    if known:
        print(f"  flaky in the baseline, not counted: {len(known)}")
    if better:
        print(f"  passing here, not in the baseline: {len(better)}")
        for t in better if verbose else better[:5]:
            print(f"    + {t}")
    if worse:
        print(f"  worse than the baseline: {len(worse)}")
        for t, n in worse if verbose else worse[:40]:
            w = res["why"].get(t, "").splitlines()
            print(f"    - {n:8} {t}" + (f"  # {w[0][:140]}" if w else ""))
        if not verbose and len(worse) > 40:
            print(f"    … and {len(worse) - 40} more (-v lists them)")
        heads = collections.Counter((res["why"].get(t, "") or "?").splitlines()[0][:110] for t, _ in worse)
        print("  most frequent reasons:")
        for w, k in heads.most_common(8):
            print(f"    {k:5} × {w}")
    return {"ok": not worse, "pass_there": total, "pass_here": ok, "better": len(better),
            "threads": {t: why for t, _, why in expected if matches(t, threads)},
            "worse": {t: (res["why"].get(t, "") or n).splitlines()[0][:200] for t, n in worse}}


def save(name: str, suite: dict, res: dict, runs: list[dict]) -> None:
    versions = installed_versions(res["exe"])
    flaky = sorted({t for r in runs for t in set(r["outcomes"]) | set(res["outcomes"])
                    if r["outcomes"].get(t) != res["outcomes"].get(t)})
    target = suite.get("target", "flask")
    BASELINES.mkdir(exist_ok=True)
    doc = {
        "suite": name, "on": target, "version": versions.get(target), "source": suite.get("sdist") or suite.get("src"),
        "python": python_tag(str(res["exe"])), "counts": counts(res["outcomes"]), "seconds": res["seconds"],
        "flaky": flaky, "versions": versions, "outcomes": dict(sorted(res["outcomes"].items())),
    }
    (BASELINES / f"{name}.json").write_text(json.dumps(doc, indent=1, ensure_ascii=False) + "\n")


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("suites", nargs="*")
    ap.add_argument("--on", choices=["flask", "quart", "asyncflask"])
    ap.add_argument("--project", type=Path, help="the asyncflask checkout, installed as editable")
    ap.add_argument("--src", help="a checkout of the suite; with several suites a folder of such, named by suite")
    ap.add_argument("--python", default=sys.executable)
    ap.add_argument("--timeout", type=int, help="seconds for one whole suite")
    ap.add_argument("--save-baseline", action="store_true")
    ap.add_argument("--repeat", type=int, default=1, help="with --save-baseline: runs; tests that differ are 'flaky'")
    ap.add_argument("--pinned", action="store_true", help="with --save-baseline: keep the old baseline's versions")
    ap.add_argument("--fresh", action="store_true", help="newest dependencies instead of the baseline's")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--json", type=Path, help="write the results there too")
    ap.add_argument("-v", "--verbose", action="store_true")
    ap.add_argument("--test", action="append", default=[], help="only these tests (pytest ids), repeatable")
    args = ap.parse_args()
    suites = load_suites()
    if args.list or not args.suites:
        for n, s in suites.items():
            b = load_baseline(n)
            print(f"{n:26} {s.get('sdist') or 'checkout: ' + s.get('src', '?'):42} "
                  f"{line(b['counts']) if b else 'no baseline'}")
        return 0
    names = args.suites
    if names == ["all"]:
        names = [n for n in suites if args.on is None or args.on == "asyncflask" or suites[n].get("target", "flask") == args.on]
        args.suites = names
    if args.on == "asyncflask" and args.project is None:
        ap.error("--on asyncflask needs --project PATH")
    if args.project is not None:
        args.project = args.project.resolve()
    bad = notrun = 0
    table = {}
    for n in names:
        if n not in suites:
            print(f"{n}: no such suite; --list names them")
            notrun += 1
            continue
        try:
            res = run_suite(n, suites[n], args, args.test)
        except SystemExit2 as e:
            print(f"{n}: not run: {e}")
            notrun += 1
            continue
        c = counts(res["outcomes"])
        table[n] = {"counts": c, "seconds": res["seconds"]}
        print(f"{n} on {res['on']}: {line(c)} in {res['seconds']} s"
              + (" — KILLED at the time limit" if res["killed"] else ""), flush=True)
        finish = res["finish"]
        if not res["outcomes"] or finish is None:
            print(f"  the run broke off (exit {res['exit']}); the last lines of its output:")
            for l in Path(res["out"]).read_text(errors="replace").splitlines()[-15:]:
                print("    " + l)
            if not res["outcomes"]:
                base = load_baseline(n)
                print(f"  conformance: 0 of {base['counts']['passed'] if base else '?'}: no test was collected")
                table[n]["ok"] = False
                bad += 1
                continue
        if finish and finish["real_modules"]:
            print(f"  NOT VALID: modules of the real package were loaded: {', '.join(finish['real_modules'][:8])}")
            bad += 1
        if args.save_baseline:
            if res["on"] == "asyncflask":
                ap.error("a baseline is made on the real package")
            runs = [run_suite(n, suites[n], args, args.test) for _ in range(args.repeat - 1)]
            save(n, suites[n], res, runs)
            poor = [(t, o) for t, o in res["outcomes"].items() if o in ("failed", "error", "notrun")]
            for t, o in poor if args.verbose else poor[:12]:
                print(f"    {o:8} {t}  # {(res['why'].get(t) or '?').splitlines()[-1 if o == 'error' else 0][:150]}")
        elif args.test:
            for t, o in res["outcomes"].items():
                if o not in GOOD:
                    print(f"    {o:8} {t}  # {res['why'].get(t, '')[:300]}")
        else:
            table[n].update(compare(n, suites[n], res, args.verbose))
            bad += not table[n]["ok"]
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")
    return 2 if notrun else 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
