//! The addresses that are refused under any name: this machine, its neighbours on the link, and the addresses of credentials
//! in <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>.
//!
//! Other private addresses are allowed: AWS's own endpoints have them in a VPC.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::error::ConnectError;
use crate::policy::{Host, Origin};

/// Checks whether a request to one of these `listed` origins may be sent to this address.
///
/// # Errors
///
/// Returns an error if the request may not be sent there.
pub(super) fn check(
    address: SocketAddr,
    listed: &[&Origin],
    runtime_api: &[SocketAddr],
) -> Result<(), ConnectError> {
    let ip = plain(address.ip());
    let is_runtime_api = runtime_api.iter().any(|api| {
        let api_ip = plain(api.ip());
        let is_same = ip == api_ip || (ip.is_loopback() && api_ip.is_loopback());
        is_same && address.port() == api.port()
    });
    if is_runtime_api || ip.is_unspecified() {
        return Err(ConnectError::RuntimeApi(address));
    }
    if is_special(ip) && !is_written(ip, listed) {
        return Err(ConnectError::Prohibited(address));
    }
    Ok(())
}

/// Checks an open connection whose own end is `local`. Only this shows a connection to another address of this machine.
///
/// # Errors
///
/// Returns an error if the request may not be sent over the connection.
pub(super) fn check_connected(
    address: SocketAddr,
    local: IpAddr,
    listed: &[&Origin],
    runtime_api: &[SocketAddr],
) -> Result<(), ConnectError> {
    let ip = plain(address.ip());
    if ip != plain(local) {
        return Ok(());
    }
    // The Runtime API may listen at all addresses of the machine.
    if runtime_api.iter().any(|api| api.port() == address.port()) {
        return Err(ConnectError::RuntimeApi(address));
    }
    if !is_written(ip, listed) {
        return Err(ConnectError::Prohibited(address));
    }
    Ok(())
}

/// Returns whether the policy lists the address itself.
fn is_written(ip: IpAddr, listed: &[&Origin]) -> bool {
    listed.iter().any(|origin| match &origin.host {
        Host::Address(written) => plain(*written) == ip,
        name => name.is_localhost() && ip.is_loopback(),
    })
}

fn is_special(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.octets()[0] == 0
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            // The metadata services of EC2 and of similar clouds.
            let is_metadata = (first, second) == (0xfd00, 0x0ec2);
            // Teredo (RFC 4380), whose addresses contain other addresses, and the former site-local addresses (RFC 3879).
            let is_past = (first, second) == (0x2001, 0) || first & 0xffc0 == 0xfec0;
            let is_link = ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast();
            is_link || is_metadata || is_past
        }
    }
}

/// Returns the IPv4 address that an IPv6 address contains: mapped, or for a translator (RFC 6052, RFC 2765, RFC 8215 with the
/// last of its forms, RFC 3056). Returns any other address unchanged.
fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(ip) = ip else { return ip };
    let embedded = match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, a, b]
        | [0, 0, 0, 0, 0xffff, 0, a, b]
        | [0x64, 0xff9b, 0, 0, 0, 0, a, b]
        | [0x64, 0xff9b, 1, .., a, b] => Some((a, b)),
        [0, 0, 0, 0, 0, 0, a, b] if ip != Ipv6Addr::LOCALHOST && ip != Ipv6Addr::UNSPECIFIED => {
            Some((a, b))
        }
        [0x2002, a, b, ..] => Some((a, b)),
        _ => None,
    };
    embedded.map_or(IpAddr::V6(ip), |(a, b)| {
        Ipv4Addr::from(u32::from(a) << 16 | u32::from(b)).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(ip: &str, origin: &str) -> bool {
        let origin = Origin::parse(origin).unwrap();
        let api = "127.0.0.1:9001".parse().unwrap();
        let address = SocketAddr::new(ip.parse().unwrap(), origin.port);
        check(address, &[&origin], &[api]).is_ok()
    }

    #[test]
    fn a_name_may_not_lead_to_this_machine_or_its_credentials() {
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::ffff:0:127.0.0.1",
            "64:ff9b:1::7f00:1",
            "64:ff9b:1::a9fe:a9fe",
            "2001:0:7f00:1::",
            "fec0::1",
        ] {
            assert!(!may(ip, "https://api.example.com"), "{ip}");
        }
        for ip in [
            "192.0.2.1",
            "10.0.0.1",
            "172.16.0.1",
            "2001:db8::1",
            "fd12::1",
        ] {
            assert!(may(ip, "https://api.example.com"), "{ip}");
        }
    }

    #[test]
    fn an_origin_can_name_an_address() {
        assert!(may("127.0.0.1", "http://localhost:2772"));
        assert!(may("::1", "http://localhost:2772"));
        assert!(may("127.0.0.1", "http://127.0.0.1:2772"));
        assert!(may("169.254.169.254", "http://169.254.169.254:80"));
        assert!(!may("127.0.0.2", "http://127.0.0.1:2772"));
        assert!(!may("169.254.169.254", "http://localhost:2772"));
    }

    #[test]
    fn this_machine_has_other_addresses_too() {
        let may = |ip: &str, local: &str, origin: &str| {
            let origin = Origin::parse(origin).unwrap();
            let api = "127.0.0.1:9001".parse().unwrap();
            let address = SocketAddr::new(ip.parse().unwrap(), origin.port);
            check_connected(address, local.parse().unwrap(), &[&origin], &[api]).is_ok()
        };
        assert!(may("10.0.0.2", "10.0.0.1", "http://api.example.com:80"));
        assert!(may("10.0.0.2", "10.0.0.1", "http://10.0.0.2:9001"));
        assert!(!may("10.0.0.1", "10.0.0.1", "http://api.example.com:80"));
        assert!(!may(
            "::ffff:10.0.0.1",
            "10.0.0.1",
            "http://api.example.com:80"
        ));
        assert!(may("10.0.0.1", "10.0.0.1", "http://10.0.0.1:80"));
        assert!(!may("10.0.0.1", "10.0.0.1", "http://10.0.0.1:9001"));
        assert!(may("127.0.0.1", "127.0.0.1", "http://localhost:80"));
    }

    #[test]
    fn the_runtime_api_never() {
        for (ip, origin) in [
            ("127.0.0.1", "http://127.0.0.1:9001"),
            ("127.0.0.1", "http://localhost:9001"),
            ("::1", "http://localhost:9001"),
            ("127.0.0.2", "http://127.0.0.2:9001"),
            ("::ffff:127.0.0.1", "http://[::ffff:127.0.0.1]:9001"),
            ("0.0.0.0", "http://0.0.0.0:9001"),
            ("::", "http://[::]:9001"),
        ] {
            assert!(!may(ip, origin), "{origin}");
        }
    }
}
