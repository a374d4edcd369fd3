//! Full disks of agents and shards.

use super::*;
use crate::matrix::disk::Disk;
use crate::matrix::proxy::Proxy;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("the disk of one is full", 0, "exit 0", agent_on_full_disk),
        Row {
            counted: Counts::NotChecked,
            ..row("the disk of a shard is full", 70, "0 KiB are free: make room on that disk", shard_on_full_disk)
        },
    ]
}

fn agent_on_full_disk() -> Observation {
    let testid = "agent-disk";
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let disk = Disk::start(&format!("matrix-{testid}-disk"));
    disk.fill();
    let address = format!("127.0.0.1:{}", free_port());
    let mut run = Joined::start(testid, &address, &line(&backend.url, &store.url, "2"));
    let mut on_disk = Command::new("env");
    on_disk.arg("--chdir").arg(disk.folder()).arg(format!("TMPDIR={}", disk.folder().display()));
    run.join(on_disk, &address);
    run.join(Command::new("nice"), &address);
    run.end(&store)
}

fn shard_on_full_disk() -> Observation {
    let testid = "shard-disk";
    let (disk, backend) = (Disk::start(&format!("matrix-{testid}-disk")), Backend::start(&[]));
    let proxy = Proxy::before(parse_port(&backend.url));
    let mut command = xtask(&["perf", "-q", "--testid", testid, "-u", "6", "-d", "8s", "--shard", "1/1"]);
    command.args(["--target", &proxy.url(), "--out"]).arg(disk.folder());
    let running = RunningCommand::spawn(testid, command, disk.folder().to_owned());
    wait_for("the load", Duration::from_secs(20), || (proxy.writes() > 10).then_some(()));
    disk.fill();
    running.end(None)
}
