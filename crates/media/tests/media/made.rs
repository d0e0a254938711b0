//! Files that are made in a test.

use std::io::Cursor;

use image::{ImageFormat, RgbaImage};

/// A picture in a format.
pub(crate) fn encoded(picture: &RgbaImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG of colour that claims a size and holds nothing.
pub(crate) fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), b"\x08\x02\0\0\0"].concat();
    for (name, content) in [(b"IHDR", &head[..]), (b"IDAT", b"x\x9c\x03\0\0\0\0\x01"), (b"IEND", b"")] {
        let named = [&name[..], content].concat();
        bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend(&named);
        bytes.extend(crc(&named).to_be_bytes());
    }
    bytes
}

/// CRC-32 (PNG, third edition, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// What the camera noted in a JPEG: the first segment of notes, without its name.
pub(crate) fn notes_of(jpeg: &[u8]) -> Vec<u8> {
    let name = b"Exif\0\0";
    let at = jpeg.windows(name.len()).position(|part| part == name).unwrap();
    let length = usize::from(u16::from_be_bytes([jpeg[at - 2], jpeg[at - 1]]));
    jpeg[at + name.len()..at - 2 + length].to_vec()
}

/// A HEIC of a telephone, with these notes and without pixels.
pub(crate) fn heic(notes: &[u8]) -> Vec<u8> {
    heic_that_claims(4032, 3024, notes)
}

/// A HEIC that claims a size (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, annex A).
pub(crate) fn heic_that_claims(width: u32, height: u32, notes: &[u8]) -> Vec<u8> {
    // Notes begin with how far behind this number they begin.
    let item = [&[0; 4][..], notes].concat();
    let size = boxed(b"ispe", &[[0; 4], width.to_be_bytes(), height.to_be_bytes()].concat());
    let head = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
    let meta = |at: usize| {
        let info = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0");
        let place = [u32::try_from(at).unwrap(), u32::try_from(item.len()).unwrap()].map(u32::to_be_bytes);
        let parts = [
            boxed(b"iinf", &[&b"\0\0\0\0\0\x01"[..], &info].concat()),
            boxed(b"iprp", &boxed(b"ipco", &size)),
            boxed(b"iloc", &[b"\0\0\0\0\x44\0\0\x01\0\x01\0\0\0\x01", &place.concat()[..]].concat()),
        ];
        boxed(b"meta", &[&[0; 4][..], &parts.concat()].concat())
    };
    let at = head.len() + meta(0).len() + 8;
    [head, meta(at), boxed(b"mdat", &item)].concat()
}

fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap();
    [&size.to_be_bytes(), &name[..], content].concat()
}

/// A document of Word, by its table of contents alone (APPNOTE.TXT 4.3).
pub(crate) fn docx() -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    for name in ["[Content_Types].xml", "word/document.xml"] {
        let mut entry = [0; 46];
        entry[..4].copy_from_slice(b"PK\x01\x02");
        entry[28] = u8::try_from(name.len()).unwrap();
        bytes.extend(entry);
        bytes.extend(name.as_bytes());
    }
    let length = u32::try_from(bytes.len() - 4).unwrap();
    bytes.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0");
    bytes.extend([length.to_le_bytes(), 4_u32.to_le_bytes()].concat());
    bytes.extend([0; 2]);
    bytes
}
