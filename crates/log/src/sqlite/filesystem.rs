//! Which file systems carry a write-ahead log: its index is memory shared by the processes of one machine.

use std::path::Path;

/// File systems that several machines share, by the names Linux gives them.
const NETWORK: [&str; 21] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "smb3",
    "smbfs",
];

/// The kind of the network file system that `folder` (absolute, without links) is on; none on a disk of this machine, or
/// where the system does not tell.
pub(super) fn network(folder: &Path) -> Option<String> {
    kind_of(folder, &std::fs::read_to_string("/proc/self/mountinfo").ok()?)
        .filter(|kind| NETWORK.contains(&kind.as_str()))
}

/// The kind of file system of `folder` by `mountinfo` (Linux, proc(5)): the longest mount point above it, the last one
/// mounted there.
fn kind_of(folder: &Path, mountinfo: &str) -> Option<String> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let point = unescape(left.split(' ').nth(4)?);
            let kind = right.split(' ').next()?;
            folder.starts_with(&point).then(|| (Path::new(&point).components().count(), kind.to_owned()))
        })
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, kind)| kind)
}

/// Undoes the escapes of `mountinfo`: a backslash and three octal digits.
fn unescape(point: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(point.to_owned(), |point, (escape, plain)| point.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_decides() {
        let mounts = "22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n\
                      40 22 0:40 / /srv rw - nfs4 host:/srv rw\n\
                      41 40 254:1 / /srv/my\\040disk rw - xfs /dev/vdb rw\n\
                      42 22 0:41 / /over rw - ext4 /dev/vdc rw\n\
                      43 22 0:42 / /over rw - cifs //host/share rw";
        for (folder, kind) in [
            ("/home/a", "ext4"),
            ("/srv/log", "nfs4"),
            ("/srvx", "ext4"),
            ("/srv/my disk/log", "xfs"),
            ("/over/log", "cifs"),
        ] {
            assert_eq!(kind_of(Path::new(folder), mounts).as_deref(), Some(kind), "{folder}");
        }
    }
}
