use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::AddressClass::{self, *};

#[track_caller]
fn check(want: AddressClass, addresses: &[&str]) {
    for address in addresses {
        let got = AddressClass::of(address.parse().unwrap());
        assert_eq!(got, want, "{address}");
    }
}

#[test]
fn the_machine_itself_and_its_link() {
    check(Loopback, &["127.0.0.1", "127.255.255.254", "::1"]);
    check(Unspecified, &["0.0.0.0", "0.1.2.3", "::"]);
    check(
        LinkLocal,
        &["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"],
    );
    check(Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1"]);
    check(Broadcast, &["255.255.255.255"]);
}

#[test]
fn inner_networks() {
    let private = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"];
    check(Private, &private);
    check(Private, &["fc00::1", "fdff::1", "fec0::1"]);
    check(CarrierNat, &["100.64.0.0", "100.127.255.255"]);
}

#[test]
fn metadata_services() {
    check(
        Metadata,
        &["169.254.169.254", "169.254.170.2", "168.63.129.16"],
    );
    check(
        Metadata,
        &["100.100.100.200", "192.0.0.192", "fd00:ec2::254"],
    );
    check(Metadata, &["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]);
}

#[test]
fn nowhere() {
    check(Documentation, &["192.0.2.1", "198.51.100.1", "203.0.113.1"]);
    check(Documentation, &["2001:db8::1", "3fff::1"]);
    check(
        Reserved,
        &["192.0.0.1", "192.88.99.1", "198.18.0.1", "198.19.255.255"],
    );
    check(
        Reserved,
        &[
            "240.0.0.1",
            "255.255.255.254",
            "100::1",
            "4000::1",
            "5f00::1",
        ],
    );
    check(
        Reserved,
        &[
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
        ],
    );
}

#[test]
fn the_internet() {
    check(
        Public,
        &[
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
        ],
    );
    check(
        Public,
        &[
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "223.255.255.255",
        ],
    );
    check(
        Public,
        &[
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
            "3ffe::1",
        ],
    );
}

#[test]
fn wrapped_addresses_are_unwrapped() {
    check(
        Loopback,
        &["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
    );
    check(Loopback, &["::127.0.0.1", "::ffff:0:127.0.0.1"]);
    check(
        Private,
        &[
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "::10.0.0.1",
        ],
    );
    check(
        Public,
        &["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
    );
    // Not routed, so not the internet, whatever is inside.
    check(Reserved, &["::8.8.8.8", "::ffff:0:8.8.8.8"]);
    // Outside the /96 it is not NAT64.
    check(Reserved, &["64:ff9b:0:1::808:808", "64:ff9b:2::808:808"]);
}

#[test]
fn local_nat64_is_read_at_every_place() {
    check(Public, &["64:ff9b:1::8.8.8.8", "64:ff9b:1:fffe::8.8.8.8"]);
    check(Loopback, &["64:ff9b:1::127.0.0.1"]);
    // /48, /56 and /64: the address stands around octet 8.
    check(Loopback, &["64:ff9b:1:7f00:0:100::"]);
    // The first reading that is not public gives the class: here the last 32 bits.
    check(Unspecified, &["64:ff9b:1:7f:0:1::"]);
    check(Loopback, &["64:ff9b:1:0:7f:0:100:0"]);
}

proptest! {
    #[test]
    fn wrapping_hides_nothing(v4 in any::<u32>()) {
        let v4 = Ipv4Addr::from(v4);
        let class = AddressClass::of(IpAddr::V4(v4));
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = ((a << 8) | b, (c << 8) | d);
        for routed in [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            prop_assert_eq!(AddressClass::of(routed.into()), class, "{}", routed);
        }
        let local = Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low);
        prop_assert!(class.is_public() || !AddressClass::of(local.into()).is_public());
    }
}
