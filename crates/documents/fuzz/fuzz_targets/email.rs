#![no_main]

use documents::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| documents_fuzz::read(bytes, Format::Email));
