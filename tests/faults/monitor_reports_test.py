#!/usr/bin/env python3
"""Pilots that report to the monitor (pilots = "monitor"): real factory, job queue, wrappers and monitor. Node, payload and
end of each pilot arrive in the wrapper's own words, and the key of a submission tells nothing else.
"""

import json
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request

from lab import BIN, Lab, until
from monitored_site import QUEUE, start_factory

JOBS = 4
PATIENCE = 120


def start_monitor(lab):
    """Its URL."""
    shutil.copy(BIN / "apf-monitor", lab.work / "bin")
    data = lab.work / "monitor"
    lab.processes.append(lab.start(lab.work / "bin/apf-monitor", "run", "--data", data, "--listen", "127.0.0.1:0"))
    until(PATIENCE, "the monitor's address", lambda: (data / "address").exists() and (data / "address").read_text().strip())
    address = (data / "address").read_text().strip()
    return address if address.startswith("http") else "http://" + address


def ask(url, key=None, **form):
    """Status and text of an answer; with a form, of a POST."""
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode() if form else None)
    if key:
        request.add_header("Authorization", "Bearer " + key)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def pilots_of(monitor):
    status, text = ask(f"{monitor}/api/v1/pilots?factory=reporting")
    return {p["id"]: p for p in json.loads(text)["pilots"]} if status == 200 else {}


def told_by_wrapper(monitor, pilot):
    """The pilot's page, the states that its wrapper told, and the page as it came."""
    _, text = ask(f"{monitor}/api/v1/pilot?" + urllib.parse.urlencode({"factory": "reporting", "id": pilot}))
    page = json.loads(text)
    return page, [moment["state"] for moment in page["line"] if moment["source"].startswith("wrapper")], text


def check_pilots(monitor):
    ran = 0
    for pilot in pilots_of(monitor):
        page, states, text = told_by_wrapper(monitor, pilot)
        print(pilot, page["state"], page["node"], page["payloads"], states)
        if not page["payloads"]:
            continue
        ran += 1
        if "exiting" not in states or not page["node"] or not page["payload_ids"]:
            raise AssertionError(f"what its wrapper told of {pilot} did not arrive: {text}")
    if ran == 0:
        raise AssertionError("no pilot told of its payloads")


def check_key(lab, monitor):
    """The key of a submission, as a payload could find it, tells nothing of anybody else."""
    key = next(lab.work.glob("state/**/apf-report.key")).read_text().strip()
    news = ask(f"{monitor}/api/v1/news", key, factory="reporting")
    other = ask(f"{monitor}/api/jobs/other:1.0", key, state="running")
    unknown = ask(f"{monitor}/api/jobs/reporting:no-such-pilot", key, state="running")
    if (news[0], other[0], unknown[0]) != (403, 403, 503):
        raise AssertionError(f"a pilot's key opens too much: {news}, {other}, {unknown}")


def main():
    lab = Lab("reports")
    try:
        url, monitor = lab.start_jobqueue(), start_monitor(lab)
        go_on = lab.work / "go-on"
        lab.call(lab.work / "bin/apf-jobqueue", "submit", "--data", lab.work / "jobqueue", "--queue", QUEUE,
                 "--count", JOBS, "--", "/bin/sh", "-c", f"until test -e {go_on}; do sleep 0.1; done")
        start_factory(lab, "reporting", url, monitor, 'pilots = "monitor"')

        # Payloads wait until the factory has told their pilots: so no report comes too early.
        until(PATIENCE, "pilots at the monitor", lambda: len(pilots_of(monitor)) >= JOBS)
        check_key(lab, monitor)
        go_on.touch()
        until(PATIENCE, "all jobs done", lambda: lab.finished() == JOBS)
        until(PATIENCE, "the ends of pilots", lambda: all(p["ended"] for p in pilots_of(monitor).values()))
        check_pilots(monitor)
        lab.stop(keep=False)
    except BaseException:
        lab.stop(keep=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
