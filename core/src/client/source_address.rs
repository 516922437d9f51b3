//! The address of this machine that connections leave from, for receivers that allow-list addresses.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use tokio::net::{TcpSocket, TcpStream};

use crate::{
    error::{Error, ErrorCode, Result},
    http::Refusal,
};

/// The address that was set, or none: then the operating system chooses one for each connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SourceAddress(Option<IpAddr>);

impl SourceAddress {
    /// Reads the setting, and sees whether this machine has the address.
    pub(super) fn new(setting: Option<&str>) -> Result<Self> {
        let Some(text) = setting else { return Ok(Self(None)) };
        let invalid = |why: &str| {
            let message = format!("the setting `source_address` {why}");
            Error::new(ErrorCode::SourceAddressInvalid, message)
        };
        let address: IpAddr = text.trim().parse().map_err(|_| {
            invalid("is not an IP address; expected one such as 192.0.2.7, without port and zone")
        })?;
        if address.is_unspecified() || address.is_multicast() {
            return Err(invalid("is not the address of a single host"));
        }
        match UdpSocket::bind((address, 0)) {
            Ok(_) => Ok(Self(Some(address))),
            Err(error) => {
                let message = format!("this host does not have the source address {address}");
                Err(Error::new(ErrorCode::SourceAddressUnavailable, message).because(error))
            }
        }
    }

    pub(super) fn ip(self) -> Option<IpAddr> {
        self.0
    }

    /// Whether a connection from it to this address is possible.
    pub(super) fn reaches(self, address: IpAddr) -> bool {
        self.0.is_none_or(|own| own.is_ipv4() == address.is_ipv4())
    }

    /// Connects to the first address that answers.
    pub(super) async fn connect(self, addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        let Some(own) = self.0 else { return TcpStream::connect(addresses).await };
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses.iter().filter(|address| self.reaches(address.ip())) {
            let socket = if own.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.bind((own, 0).into())?;
            match socket.connect(*address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The address that a connection to the first of these would leave from. Nothing is sent.
    pub(super) fn towards(self, addresses: &[SocketAddr]) -> Option<IpAddr> {
        let to = addresses.iter().find(|address| self.reaches(address.ip()))?;
        let any = if to.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let socket = UdpSocket::bind((self.0.unwrap_or(any), 0)).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    }

    /// Why no connection came about, if this address is the reason.
    pub(super) fn refusal(self, error: &io::Error) -> Option<Refusal> {
        let own = self.0.filter(|_| error.kind() == io::ErrorKind::AddrNotAvailable)?;
        let message = format!("this host does not have the source address {own} now, or cannot send from it");
        Some(Refusal::new(ErrorCode::SourceAddressUnavailable, message))
    }

    /// The host has no address that can be reached from it.
    pub(super) fn of_other_family(self) -> Refusal {
        let family = if self.0.is_some_and(|own| own.is_ipv6()) { "IPv6" } else { "IPv4" };
        let message = format!("the server has no {family} address, but the source address is {family}");
        Refusal::new(ErrorCode::SourceAddressUnavailable, message)
    }
}
