//! Sitemaps (<https://www.sitemaps.org/protocol.html>): lists of a site's pages, or of further sitemaps.
//!
//! They are scanned for `<loc>` and not parsed as XML: many are not well formed, and a scanner has no entities that
//! could be made to grow. A text file with one address a line is a sitemap as well.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// As much of a sitemap as is read, unpacked. The protocol allows more; a crawl has no use for it.
pub(super) const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Addresses of one sitemap.
const MAX_ADDRESSES: usize = 50_000;

/// What a sitemap lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sitemap {
    /// Pages.
    Pages(Vec<String>),
    /// Further sitemaps.
    Index(Vec<String>),
}

/// Reads a sitemap, packed or not.
pub(super) fn read(bytes: &[u8]) -> Sitemap {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return scan(&String::from_utf8_lossy(bytes));
    }
    let mut unpacked = Vec::new();
    // What comes before an error is of use.
    MultiGzDecoder::new(bytes).take(MAX_BYTES).read_to_end(&mut unpacked).ok();
    scan(&String::from_utf8_lossy(&unpacked))
}

fn scan(text: &str) -> Sitemap {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with("http"));
        return Sitemap::Pages(lines.take(MAX_ADDRESSES).map(str::to_owned).collect());
    }
    let addresses = locations(text).take(MAX_ADDRESSES).collect();
    if text.contains("<sitemapindex") { Sitemap::Index(addresses) } else { Sitemap::Pages(addresses) }
}

/// What stands in the `<loc>` elements; those of images and videos have a prefix and are not meant.
fn locations(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once("<loc")?;
            let (attributes, after) = after.split_once('>')?;
            rest = after;
            if attributes.starts_with(|c: char| !c.is_whitespace()) || attributes.ends_with('/') {
                continue;
            }
            let (inner, after) = rest.split_once("</loc")?;
            rest = after;
            return Some(unescape(inner));
        }
    })
}

/// The text of an element that holds nothing but text.
fn unescape(text: &str) -> String {
    let text = text.trim();
    if let Some(plain) = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")) {
        return plain.trim().to_owned();
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#38;", "&"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pages(list: &[&str]) -> Sitemap {
        Sitemap::Pages(list.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn addresses_are_found() {
        let xml = "<?xml version='1.0'?>\n<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>\
            <url><loc> https://e.com/a?x=1&amp;y=2 </loc><image:image><image:loc>https://e.com/i.png</image:loc></image:image></url>\
            <url><loc><![CDATA[https://e.com/b]]></loc></url><url><loc/></url><location>no</location>\
            <url><loc>https://e.com/c</loc></url><url><loc>https://e.com/cut";
        let expected = pages(&["https://e.com/a?x=1&y=2", "https://e.com/b", "https://e.com/c"]);
        assert_eq!(read(xml.as_bytes()), expected);
        assert_eq!(
            read(b"\xef\xbb\xbfhttps://e.com/a\r\n\r\nnot one\nhttps://e.com/b"),
            pages(&["https://e.com/a", "https://e.com/b"])
        );
        assert_eq!(read(b"<html><body>Not found</body></html>"), pages(&[]));
        assert_eq!(read(b""), pages(&[]));
    }

    #[test]
    fn an_index_names_sitemaps() {
        let xml = "<sitemapindex><sitemap><loc>https://e.com/1.xml.gz</loc></sitemap></sitemapindex>";
        assert_eq!(read(xml.as_bytes()), Sitemap::Index(vec!["https://e.com/1.xml.gz".into()]));
    }

    #[test]
    fn a_packed_one_is_unpacked_as_far_as_its_bound() {
        let pack = |bytes: &[u8]| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        };
        let packed = pack(b"<urlset><url><loc>https://e.com/a</loc></url></urlset>");
        assert_eq!(read(&packed), pages(&["https://e.com/a"]));
        assert_eq!(read(&packed[..packed.len() - 9]), pages(&["https://e.com/a"]), "cut off");
        let bomb = pack(
            &[b"<urlset><url><loc>https://e.com/a</loc></url>".as_slice(), &vec![b' '; 64 << 20]].concat(),
        );
        assert!(bomb.len() < 100_000);
        assert_eq!(read(&bomb), pages(&["https://e.com/a"]));
    }
}
