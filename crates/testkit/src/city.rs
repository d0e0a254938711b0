//! The city that ships with the product.

use std::path::Path;

/// The files of `deploy/cities/almaty`, by name.
///
/// # Panics
///
/// When the folder does not read.
#[must_use]
pub fn shipped_city() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cities/almaty");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry?;
        Ok::<_, std::io::Error>((
            entry.file_name().to_string_lossy().into_owned(),
            std::fs::read(entry.path())?,
        ))
    };
    entries.map(|entry| read(entry).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))).collect()
}
