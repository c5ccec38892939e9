"""A factory on batch/local whose pilots work for a job queue, and that tells a monitor: what tests of monitors share."""

import hashlib

QUEUE = "SITE"

CONFIG = """version = 1
[factory]
factory_id = "{factory}"
state_dir = "state"
log_dir = "logs"
listen = "127.0.0.1:0"
[wms.jobs]
plugin = "panda"
url = "{url}"
token_file = "jobqueue/tokens/read.token"
interval = "1s"
[batch.machine]
plugin = "local"
slots = 4
interval = "1s"
[monitor.apfmon]
plugin = "apfmon"
url = "{monitor}/api"
{option}
[queue.{queue}]
wms = "jobs"
batch = "machine"
sched = [ {{ use = "ready" }}, {{ use = "maxpending", maximum = 4 }} ]
executable = "/bin/sh"
arguments = [ "{bootstrap}", "--wrappertarballurl", "file://{wrapper}", "--wrappertarballchecksum", "{sha}", "--wrapperwmsurl", "{url}", "--wrapperwmsqueue", "{queue}", "--wrappertokenfile", "{token}" ]
"""


def start_factory(lab, factory, url, monitor, option):
    """`url`: of the job queue; `option`: one more line of the monitor's section."""
    wrapper = lab.work / "bin/apf-wrapper.tar.gz"
    (lab.work / "apf.toml").write_text(CONFIG.format(
        factory=factory, url=url, monitor=monitor, option=option, queue=QUEUE, bootstrap=lab.work / "bin/apf-bootstrap.sh",
        wrapper=wrapper, sha=hashlib.sha256(wrapper.read_bytes()).hexdigest(), token=lab.work / "jobqueue/tokens/pilot.token"))
    lab.processes.append(lab.start(lab.work / "bin/apf", "run", lab.work / "apf.toml"))
