//! Which addresses are the open internet's.
//!
//! A link inside a message may name any host, and a name may lead anywhere. Whoever fetches it for a stranger must not become
//! the stranger's way into the net that we stand in (OWASP, «Server-Side Request Forgery»).

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// IANA's special-purpose blocks, whether or not some of them can be reached from somewhere.
const SPECIAL: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Whether it is an address of the open internet.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !SPECIAL.iter().any(|(block, bits)| (ip.to_bits() ^ block.to_bits()) >> (32 - bits) == 0)
}

/// Global unicast is 2000::/3 alone, which leaves out loopback, `fe80::`, `fc00::`, multicast and IPv4 in IPv6's clothes.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // NAT64, by which a net without IPv4 reaches it: as public as the address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocol assignments with Teredo; documentation; 6to4, which holds any IPv4 address; documentation again.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// The address that stands in a URL itself. Such a host is never looked up, so no resolver sees it.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// A name leads to no public address.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
pub(crate) struct NotPublic;

impl NotPublic {
    /// Whether it is why `error` came about.
    pub(crate) fn is_behind(error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Self>() {
                return true;
            }
            next = error.source();
        }
        false
    }
}

/// Looks names up and gives the public addresses alone. The connection goes to what was given here and to nothing else, so a
/// name that leads elsewhere a moment later («rebinding») gains nothing.
#[derive(Debug)]
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's; 0 says so.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_public() {
        let check = |ip: &str, expected: bool| assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        for ip in ["8.8.8.8", "157.240.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "11.0.0.0"] {
            check(ip, true);
        }
        for ip in ["2a03:2880:f00::1", "2001:4860:4860::8888", "64:ff9b::808:808"] {
            check(ip, true);
        }
        for ip in ["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254"] {
            check(ip, false);
        }
        for ip in
            ["172.16.0.1", "172.31.255.255", "192.168.1.1", "198.19.0.1", "224.0.0.1", "255.255.255.255"]
        {
            check(ip, false);
        }
        for ip in
            ["::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "fe80::1", "fc00::1", "fd12::1", "ff02::1"]
        {
            check(ip, false);
        }
        for ip in
            ["64:ff9b::a00:1", "64:ff9b:1::808:808", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1"]
        {
            check(ip, false);
        }
    }

    #[test]
    fn an_address_in_a_url_is_seen_however_it_is_written() {
        let check = |url: &str, expected: Option<&str>| {
            let ip = literal(&Url::parse(url).unwrap()).map(|ip| ip.to_string());
            assert_eq!(ip.as_deref(), expected, "{url}");
        };
        check("https://127.0.0.1/", Some("127.0.0.1"));
        check("https://0x7f.1/", Some("127.0.0.1"));
        check("https://2130706433/", Some("127.0.0.1"));
        check("https://[::1]:8/", Some("::1"));
        check("https://[::ffff:10.0.0.1]/", Some("::ffff:10.0.0.1"));
        check("https://localhost/", None);
    }
}
