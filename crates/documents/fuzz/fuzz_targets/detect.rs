#![no_main]

use documents::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (name, head) = bytes.split_at(bytes.len().min(8));
    let _ = Format::detect(head, &format!("upload.{}", String::from_utf8_lossy(name)));
});
