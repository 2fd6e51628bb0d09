//! The tables of a compound file ([MS-CFB]), the container of XLS, looked at before calamine opens it: calamine follows
//! a chain of sectors that goes in a circle until the memory is used up.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use crate::source::{ReadSeek, Source};
use crate::{ExtractError, Format};

const SIGNATURE: [u8; 8] = *b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
const HEADER_BYTES: usize = 512;

/// Numbers from here on are marks, such as the end of a chain, and no sectors ([MS-CFB], 2.1).
const FIRST_MARK: u32 = 0xFFFF_FFFA;

/// Bytes of one entry of the directory, and of a stream that is too short for sectors of its own ([MS-CFB], 2.2, 2.6).
const ENTRY_BYTES: usize = 128;
const MINI_STREAM_BYTES: u32 = 4096;

/// Refuses a file whose chains go in a circle or whose tables are larger than the file. A header that makes no sense is
/// left for the parser to refuse.
pub(super) fn check(source: Source<'_>) -> Result<(), ExtractError> {
    let mut file = source.open()?;
    let mut header = [0; HEADER_BYTES];
    match file.read_exact(&mut header) {
        Ok(()) if header[..8] == SIGNATURE => {}
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error.into()),
        _ => return Ok(()),
    }
    let sector_bytes = match header[30] {
        9 => 512,
        12 => 4096,
        _ => return Ok(()),
    };
    let sectors = source.len()? / sector_bytes;
    Compound { file, header, sector_bytes, sectors }.check()
}

struct Compound<'a> {
    file: Box<dyn ReadSeek + 'a>,
    header: [u8; HEADER_BYTES],
    sector_bytes: u64,
    /// How many sectors the file has room for, its header included.
    sectors: u64,
}

impl Compound<'_> {
    fn check(mut self) -> Result<(), ExtractError> {
        let fat = self.fat()?;
        let directory = self.stream(self.field(48), &fat)?;
        let mini_fat = numbers(&self.stream(self.field(60), &fat)?);
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for (at, entry) in directory.chunks_exact(ENTRY_BYTES).enumerate() {
            let start = number(entry, 116);
            // Above the lower half of the size stands what old writers left there, unless sectors are large.
            let above = if self.sector_bytes > 512 { number(entry, 124) } else { 0 };
            let is_long = above > 0 || number(entry, 120) >= MINI_STREAM_BYTES;
            // The first entry is the root, whose stream holds all short ones. Unused entries have no name.
            if at == 0 || is_long {
                long.push(start);
            } else if entry[..2] != [0, 0] {
                short.push(start);
            }
        }
        if goes_in_a_circle(&fat, &long) || goes_in_a_circle(&mini_fat, &short) {
            return Err(circle());
        }
        Ok(())
    }

    /// A number in the header.
    fn field(&self, at: usize) -> u32 {
        number(&self.header, at)
    }

    /// The file allocation table: for every sector the one that comes after it ([MS-CFB], 2.3). Its own sectors are
    /// listed in the header and in a chain of further lists, whose last number leads to the next (2.5).
    fn fat(&mut self) -> Result<Vec<u32>, ExtractError> {
        let mut places = numbers(&self.header[76..]);
        let mut list = self.field(68);
        let mut lists = 0;
        while list < FIRST_MARK {
            lists += 1;
            if lists > self.sectors {
                return Err(circle());
            }
            let mut more = numbers(&self.sector(list)?);
            list = more.pop().unwrap_or(FIRST_MARK);
            places.extend(more);
            places.retain(|place| *place < FIRST_MARK);
            self.check_room(places.len())?;
        }
        places.retain(|place| *place < FIRST_MARK);
        self.check_room(places.len())?;
        let mut fat = Vec::new();
        for place in places {
            fat.extend(numbers(&self.sector(place)?));
        }
        Ok(fat)
    }

    fn check_room(&self, sectors: usize) -> Result<(), ExtractError> {
        if sectors as u64 > self.sectors {
            return Err(ExtractError::damaged(Format::Xls, "its tables are larger than the file"));
        }
        Ok(())
    }

    /// All bytes of a chain of sectors.
    fn stream(&mut self, start: u32, fat: &[u32]) -> Result<Vec<u8>, ExtractError> {
        if goes_in_a_circle(fat, &[start]) {
            return Err(circle());
        }
        let mut bytes = Vec::new();
        let mut at = start;
        while at < FIRST_MARK {
            bytes.extend(self.sector(at)?);
            at = fat.get(at as usize).copied().unwrap_or(FIRST_MARK);
        }
        Ok(bytes)
    }

    /// One sector; the last one may be cut short.
    fn sector(&mut self, number: u32) -> Result<Vec<u8>, ExtractError> {
        if u64::from(number) > self.sectors {
            return Err(ExtractError::damaged(Format::Xls, "it points past its end"));
        }
        self.file.seek(SeekFrom::Start((u64::from(number) + 1) * self.sector_bytes))?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(self.sector_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn circle() -> ExtractError {
    ExtractError::damaged(Format::Xls, "its chains of sectors go in a circle")
}

/// Whether a chain that begins at one of `starts` comes back to itself. Chains may share their ends, and each sector
/// is looked at once.
fn goes_in_a_circle(next: &[u32], starts: &[u32]) -> bool {
    // The walk, counted from 1, that came by first.
    let mut walked = vec![0; next.len()];
    starts.iter().zip(1..).any(|(start, walk)| {
        let mut at = *start as usize;
        while walked.get(at) == Some(&0) {
            walked[at] = walk;
            at = next[at] as usize;
        }
        walked.get(at) == Some(&walk)
    })
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(FIRST_MARK, u32::from_le_bytes)
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|four| number(four, 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, extract_bytes};

    const END: u32 = 0xFFFF_FFFE;
    const FREE: u32 = 0xFFFF_FFFF;

    /// A header and three sectors: the table, the directory, and what the workbook begins with.
    fn file(fat: [u32; 3], further_lists: u32, workbook_bytes: u32) -> Vec<u8> {
        let mut bytes = vec![0; 4 * 512];
        bytes[..8].copy_from_slice(&SIGNATURE);
        bytes[26] = 3;
        (bytes[30], bytes[32]) = (9, 6);
        let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        [(48, 1), (60, END), (68, further_lists)].into_iter().for_each(|(at, value)| put(at, value));
        (76..1024).step_by(4).for_each(|at| put(at, FREE));
        put(76, 0);
        (0..3).for_each(|at| put(512 + 4 * at, fat[at]));
        put(1024 + 116, END);
        put(1152 + 116, 2);
        put(1152 + 120, workbook_bytes);
        for (at, unit) in "Workbook".encode_utf16().enumerate() {
            bytes[1152 + 2 * at..][..2].copy_from_slice(&unit.to_le_bytes());
        }
        bytes[1152 + 64] = 18;
        bytes
    }

    fn refusal(bytes: &[u8]) -> String {
        check(Source::Bytes(bytes)).map_or_else(|error| error.to_string(), |()| "none".into())
    }

    #[test]
    fn chains_that_end_are_let_through() {
        assert_eq!(refusal(&file([0xFFFF_FFFD, END, END], END, 9000)), "none");
        assert_eq!(refusal(b"too short to be one"), "none");
    }

    #[test]
    fn circles_of_every_chain_are_refused() {
        let in_a_circle = [
            file([0xFFFF_FFFD, 1, END], END, 9000),
            file([0xFFFF_FFFD, END, 2], END, 9000),
            file([2, END, 0], END, u32::MAX),
            file([0xFFFF_FFFD, END, END], 2, 9000),
        ];
        for bytes in &in_a_circle[..3] {
            assert!(refusal(bytes).contains("circle"), "{}", refusal(bytes));
            let error = extract_bytes(bytes, Format::Xls, &Limits::default()).unwrap_err();
            assert_eq!(error.code(), "damaged");
        }
        // The list of lists that leads to itself holds more places than the file has.
        let mut bytes = in_a_circle[3].clone();
        (3 * 512..4 * 512).step_by(4).for_each(|at| bytes[at..at + 4].copy_from_slice(&2u32.to_le_bytes()));
        assert!(refusal(&bytes).contains("larger than the file"), "{}", refusal(&bytes));
        (3 * 512..4 * 512 - 4)
            .step_by(4)
            .for_each(|at| bytes[at..at + 4].copy_from_slice(&FREE.to_le_bytes()));
        assert!(refusal(&bytes).contains("circle"), "{}", refusal(&bytes));
    }

    #[test]
    fn chains_may_share_an_end() {
        assert!(!goes_in_a_circle(&[2, 2, END], &[0, 1, 0]));
        assert!(goes_in_a_circle(&[1, 0], &[7, 1]));
    }
}
