//! The egress guard: URLs of receivers and token endpoints often come from customers, and must not lead into the sender's
//! own network (OWASP: server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, ErrorCode, Result};

/// Networks that requests must not reach, unless they are allowed. It judges addresses, after names are resolved.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    allowed: Vec<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Network {
    bits: u128,
    prefix: u32,
    v4: bool,
}

/// IPv4 networks without global addresses (IANA IPv4 Special-Purpose Address Registry), multicast included.
const FORBIDDEN_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; cloud metadata services are at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// IPv6: outside of `2000::/3` nothing is global but what carries an IPv4 address; of the rest, these are not.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const FORBIDDEN_V6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments, Teredo among them, which hides an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// IPv6 addresses that carry an IPv4 address, which is then what counts: prefix, and the bits below the address.
const CARRIERS_V6: &[(Ipv6Addr, u32, u32)] = &[
    // Mapped (RFC 4291 §2.5.5.2) and compatible (§2.5.5.1).
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 0),
    (Ipv6Addr::UNSPECIFIED, 96, 0),
    // NAT64 (RFC 6052 §2.1).
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 0),
    // 6to4 (RFC 3056 §2).
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 80),
];

impl Guard {
    /// Allows a network: `10.1.0.0/16`, `fd00::/8`, or one address.
    pub(super) fn allow(&mut self, network: &str) -> Result<()> {
        let invalid = || {
            let message =
                "this is no network; write an address, a slash and the length of the prefix: 10.1.0.0/16";
            Error::new(ErrorCode::ConfigurationInvalid, message)
        };
        let (address, prefix) = network.split_once('/').unwrap_or((network, ""));
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if network.contains('/') { prefix.parse().map_err(|_| invalid())? } else { longest };
        if prefix > longest {
            return Err(invalid());
        }
        self.allowed.push(Network::new(address, prefix));
        Ok(())
    }

    /// Whether requests may go to this address.
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        let real = carried(address);
        self.allowed.iter().any(|network| network.holds(address) || network.holds(real)) || is_global(real)
    }
}

impl Network {
    fn new(address: IpAddr, prefix: u32) -> Self {
        let (bits, v4) = bits(address);
        Self { bits, prefix, v4 }
    }

    fn holds(&self, address: IpAddr) -> bool {
        let (other, v4) = bits(address);
        let length = if v4 { 32 } else { 128 };
        // A shift by the whole width would be none.
        self.v4 == v4 && (self.prefix == 0 || (self.bits ^ other) >> (length - self.prefix) == 0)
    }
}

fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}

/// The IPv4 address that an IPv6 address carries, or the address itself.
fn carried(address: IpAddr) -> IpAddr {
    let carrier =
        CARRIERS_V6.iter().find(|(prefix, length, _)| Network::new((*prefix).into(), *length).holds(address));
    match carrier {
        #[allow(clippy::cast_possible_truncation, reason = "the lower 32 bits are what is meant")]
        Some((_, _, below)) => Ipv4Addr::from_bits((bits(address).0 >> below) as u32).into(),
        None => address,
    }
}

fn is_global(address: IpAddr) -> bool {
    let within = |base: IpAddr, prefix: u32| Network::new(base, prefix).holds(address);
    match address {
        IpAddr::V4(_) => !FORBIDDEN_V4.iter().any(|(base, prefix)| within((*base).into(), *prefix)),
        IpAddr::V6(_) => {
            within(GLOBAL_V6.0.into(), GLOBAL_V6.1)
                && !FORBIDDEN_V6.iter().any(|(base, prefix)| within((*base).into(), *prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Guard;

    fn permits(guard: &Guard, address: &str) -> bool {
        guard.permits(address.parse().unwrap())
    }

    #[test]
    fn global_addresses_are_permitted() {
        for address in [
            "1.1.1.1",
            "93.184.216.34",
            "172.15.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:0101:0101::1",
        ] {
            assert!(permits(&Guard::default(), address), "{address}");
        }
    }

    #[test]
    fn addresses_of_ones_own_networks_are_not() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "64:ff9b:1::1",
            "100::1",
        ] {
            assert!(!permits(&Guard::default(), address), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_address_counts() {
        for address in [
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2002:7f00:1::",
        ] {
            assert!(!permits(&Guard::default(), address), "{address}");
        }
    }

    #[test]
    fn an_allow_list_opens_what_it_names() {
        let mut guard = Guard::default();
        for network in ["10.1.0.0/16", "192.168.7.7", "fd12::/16", "127.0.0.0/8"] {
            guard.allow(network).unwrap();
        }
        for address in
            ["10.1.2.3", "192.168.7.7", "fd12::5", "::ffff:10.1.9.9", "64:ff9b::a01:101", "127.0.0.1"]
        {
            assert!(permits(&guard, address), "{address}");
        }
        for address in ["10.2.0.1", "192.168.7.8", "fd13::5", "169.254.169.254"] {
            assert!(!permits(&guard, address), "{address}");
        }
        for wrong in ["10.0.0.0/33", "10.0.0.0/", "fd00::/129", "example.com", "", "10.0.0.0/8/8"] {
            assert!(guard.allow(wrong).is_err(), "{wrong}");
        }
    }
}
