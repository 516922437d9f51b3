//! The egress guard: URLs of receivers and token endpoints often come from customers, and must not lead into the sender's
//! own network (OWASP: server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    error::{Error, ErrorCode, Result},
    http::Endpoint,
    web::is_loopback,
};

/// Networks that requests must not reach, unless they are allowed. It judges addresses, after names are resolved.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    allowed: Vec<IpNet>,
}

/// IPv4 networks without global addresses (IANA IPv4 Special-Purpose Address Registry), multicast included.
const FORBIDDEN_V4: &[Ipv4Net] = &[
    Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 8),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; cloud metadata services are at 169.254.169.254.
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// IPv6: outside of `2000::/3` nothing is global but what carries an IPv4 address; of the rest, these are not.
const GLOBAL_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const FORBIDDEN_V6: &[Ipv6Net] = &[
    // Protocol assignments, Teredo among them, which hides an IPv4 address.
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// IPv6 addresses that carry an IPv4 address, which is then what counts: prefix, and the bits below the address.
const CARRIERS_V6: &[(Ipv6Net, u32)] = &[
    // Mapped (RFC 4291 §2.5.5.2) and compatible (§2.5.5.1).
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), 0),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 96), 0),
    // NAT64 (RFC 6052 §2.1).
    (Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), 0),
    // 6to4 (RFC 3056 §2).
    (Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), 80),
];

impl Guard {
    /// Allows a network: `10.1.0.0/16`, `fd00::/8`, or one address.
    pub(super) fn allow(&mut self, network: &str) -> Result<()> {
        let parsed = network.parse::<IpNet>().or_else(|error| match network.parse::<IpAddr>() {
            Ok(address) => Ok(address.into()),
            Err(_) => Err(error),
        });
        let network = parsed.map_err(|error| {
            let message =
                "not a network; expected an address and the length of a prefix, such as 10.1.0.0/16";
            Error::new(ErrorCode::ConfigurationInvalid, message).because(error)
        })?;
        self.allowed.push(network);
        Ok(())
    }

    /// Whether requests may go to this address.
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        let real = carried(address);
        let is_allowed = |network: &IpNet| network.contains(&address) || network.contains(&real);
        self.allowed.iter().any(is_allowed) || is_global(real)
    }

    /// Whether requests may go to this URL, as far as it tells. Names are judged when they are resolved, unless the proxy resolves
    /// them; addresses, and the name of this machine, here.
    pub(super) fn permits_endpoint(&self, endpoint: &Endpoint) -> bool {
        match endpoint.address() {
            _ if endpoint.is_allowed_loopback() => true,
            Some(address) => self.permits(address),
            // Names below `localhost`, too, are this machine to whoever resolves them (RFC 6761 §6.3).
            None if is_loopback(endpoint.url()) || is_below_localhost(endpoint.host()) => {
                self.permits(IpAddr::from([127, 0, 0, 1]))
            }
            None => true,
        }
    }
}

/// The IPv4 address that an IPv6 address carries, or the address itself.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match CARRIERS_V6.iter().find(|(prefix, _)| prefix.contains(&v6)) {
        #[allow(clippy::cast_possible_truncation, reason = "the lower 32 bits are the address")]
        Some((_, below)) => Ipv4Addr::from_bits((v6.to_bits() >> below) as u32).into(),
        None => address,
    }
}

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !FORBIDDEN_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !FORBIDDEN_V6.iter().any(|network| network.contains(&address))
        }
    }
}

fn is_below_localhost(host: &str) -> bool {
    host.strip_suffix('.').unwrap_or(host).ends_with(".localhost")
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
