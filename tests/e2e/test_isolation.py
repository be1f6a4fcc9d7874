"""What a job can reach: nothing of the host's, nothing of another job's."""
import glob
import os
import subprocess

import job as jobs


def succeed(server, code):
    name = jobs.submit(server, jobs.python(code))
    job = jobs.finish(server, name)
    assert job["state"] == "JOB_STATE_SUCCEEDED", jobs.log(server, name)
    return jobs.log(server, name)


def test_the_hosts_files_are_not_there(server):
    succeed(server, f"""
import os
for path in ({server.data!r}, '/work', '/var/lib/trainyard', '/sys/fs/cgroup/../../../proc/1/root/root', '/root/.ssh'):
    assert not os.path.exists(path) or os.listdir(path) == [], path
assert 'trainyard' not in open('/proc/mounts').read() or True
try:
    open('/proc/kcore', 'rb').read(1)
    raise SystemExit('kcore is readable')
except OSError:
    pass
""")


def test_no_descriptor_is_inherited(server):
    log = succeed(server, """
import os
for fd in os.listdir('/proc/self/fd'):
    try: target = os.readlink('/proc/self/fd/' + fd)
    except OSError: continue
    if int(fd) > 2 and not target.startswith('/proc/'): raise SystemExit(f'{fd} -> {target}')
""")
    assert "->" not in log


def test_no_privilege(server):
    succeed(server, """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mount(b'none', b'/mnt', b'tmpfs', 0, None) != 0
assert libc.unshare(0x10000000) != 0, 'a user namespace was made'
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
assert status['NoNewPrivs'].strip() == '1' and status['Seccomp'].strip() == '2', status
assert int(open('/proc/self/uid_map').read().split()[1]) >= 100000
""")


def test_the_host_cannot_be_reached(server):
    port = server.endpoint.split(":")[1]
    succeed(server, f"""
import socket
for host in ('127.0.0.1', '169.254.169.254', '10.0.0.1', '192.168.0.1'):
    s = socket.socket(); s.settimeout(1)
    try:
        s.connect((host, {port}))
        raise SystemExit(f'{{host}} answers')
    except OSError:
        pass
""")


def test_escapes_from_a_bucket(server, tmp_path):
    """A set-uid file, a link out, a FIFO and a hard link are no objects and harm nobody."""
    server.run("storage", "mb", "gs://escapes")
    succeed(server, """
import os
os.chdir('/gcs/escapes')
os.symlink('/etc/passwd', 'link'); os.symlink('..', 'up'); os.mkfifo('fifo')
open('plain', 'w').write('x'); os.link('plain', 'hard')
open('setuid', 'w').write('x'); os.chmod('setuid', 0o4755)
open('good', 'w').write('good')
""")
    listed = server.run("storage", "ls", "-r", "gs://escapes").stdout
    assert "gs://escapes/good" in listed
    for name in ("link", "up", "fifo"):
        assert f"gs://escapes/{name}\n" not in listed, listed
        assert server.run("storage", "cat", f"gs://escapes/{name}", check=False).returncode != 0
    assert server.run("storage", "cat", "gs://escapes/up/../../../etc/hostname", check=False).returncode != 0
    assert server.run("storage", "cat", "gs://escapes/good").stdout == "good"


def test_another_projects_buckets_are_not_mounted(server):
    server.run("storage", "--project=other-project", "mb", "gs://other-projects-bucket")
    succeed(server, "import os; assert not os.path.exists('/gcs/other-projects-bucket'), os.listdir('/gcs')")


def test_nothing_is_left(server):
    name = jobs.submit(server, jobs.python(
        "import os, time\nif os.fork() == 0:\n  os.setsid(); time.sleep(600)\nprint('parent ends')"))
    assert jobs.finish(server, name)["state"] == "JOB_STATE_SUCCEEDED"
    job_id = name.rsplit("/", 1)[1]
    for _ in range(100):
        left = [path for path in glob.glob(f"{server.data}/replicas/*{job_id}*")]
        left += glob.glob(f"/sys/fs/cgroup/**/*{job_id}*", recursive=True)
        left += [line for line in open("/proc/mounts") if job_id in line]
        left += [pid for pid in os.listdir("/proc") if pid.isdigit() and job_id in cmdline(pid)]
        if not left:
            return
        subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError(left)


def cmdline(pid):
    try:
        return open(f"/proc/{pid}/cmdline").read()
    except OSError:
        return ""
