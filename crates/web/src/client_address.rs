//! Who a request comes from, when proxies of our own stand between.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Each proxy appends the address it was called from, so the right end is the nearest.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: the peer's, unless that is a trusted proxy; then the last address in
/// `X-Forwarded-For` that is not one. Whatever lies further left was written by strangers and is not read. Where an
/// entry is no address, the one before it (the nearest proxy that is known) is taken; where all are trusted, the
/// leftmost. IPv4 addresses in IPv6 form become IPv4, and `trusted` is to name them so.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    // Split as bytes: one forged entry that is not text must not spoil the others of its line.
    let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(parse);
    let mut client = peer.to_canonical();
    while is_trusted(&client) {
        let Some(Some(hop)) = hops.next() else { break };
        client = hop;
    }
    client
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` and `[::1]:80`.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().ok()?.into(),
        None => entry.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))?,
    };
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const STRANGER: &str = "203.0.113.9";
    const PROXY: &str = "10.0.0.1";

    /// The client's address, with the private networks trusted.
    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        address(peer, lines, &trusted)
    }

    fn address(peer: &str, lines: &[&str], trusted: &[IpNet]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client(STRANGER, &["198.51.100.7"]), STRANGER);
        assert_eq!(client(STRANGER, &["10.0.0.1, 10.0.0.2"]), STRANGER);
        assert_eq!(address(PROXY, &["198.51.100.7"], &[]), PROXY, "nobody is trusted");
    }

    #[test]
    fn a_proxy_says_who_called_it() {
        assert_eq!(client(PROXY, &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(PROXY, &[]), PROXY);
        assert_eq!(client("fd00::1", &["2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn what_the_client_forged_is_left_of_its_own_address() {
        assert_eq!(client(PROXY, &["1.1.1.1, 10.0.0.5, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(
            client(PROXY, &["1.1.1.1", "198.51.100.7", "10.0.0.2"]),
            "198.51.100.7",
            "lines are one list"
        );
    }

    #[test]
    fn all_trusted_is_the_leftmost() {
        assert_eq!(client(PROXY, &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        for bad in ["unknown", "", "1.2.3", "[::1", "10.0.0.1:99999", "é", "fe80::1%eth0", "[1.2.3.4]"] {
            assert_eq!(client(PROXY, &[&format!("198.51.100.7, {bad}, 10.0.0.2")]), "10.0.0.2", "{bad}");
            assert_eq!(client(PROXY, &["198.51.100.7", bad]), PROXY, "{bad}");
        }
    }

    #[test]
    fn ports_brackets_and_mapped_addresses() {
        for (entry, meant) in [
            ("1.2.3.4:80", "1.2.3.4"),
            ("[::1]:80", "::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("[::ffff:1.2.3.4]:443", "1.2.3.4"),
        ] {
            assert_eq!(client(PROXY, &[entry]), meant);
        }
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("::ffff:203.0.113.9", &["198.51.100.7"]), STRANGER);
    }

    proptest! {
        /// Whatever a client writes before the address that the proxy appends, it is known by that address.
        #[test]
        fn no_header_hides_a_client(forged in "[ -~é]{0,60}") {
            prop_assert_eq!(client(PROXY, &[&forged, "198.51.100.7"]), "198.51.100.7");
            prop_assert_eq!(client(PROXY, &[&format!("{forged},198.51.100.7")]), "198.51.100.7");
            prop_assert_eq!(client(STRANGER, &[&forged]), STRANGER);
        }
    }
}
