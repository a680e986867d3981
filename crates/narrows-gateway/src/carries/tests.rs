use super::*;

fn carries(features: &[&str]) -> Carries {
    let features: Vec<Feature> = features.iter().map(|text| text.parse().unwrap()).collect();
    let places = features.iter().zip(1..).map(|(feature, line)| {
        let path = "edge.json".into();
        (feature, Source::File { path, line })
    });
    Carries::compile(places, Catalogue::built_in()).unwrap()
}

#[track_caller]
fn carried(features: &[&str], target: &str) -> Option<String> {
    let carries = carries(features);
    carries
        .target(&target.parse().unwrap())
        .map(|decision| decision.reason())
}

#[track_caller]
fn address(features: &[&str], target: &str, address: &str) -> Result<(), AddressClass> {
    carries(features).address(&target.parse().unwrap(), address.parse().unwrap())
}

#[test]
fn star_is_the_carried_catalogue_and_no_more() {
    let reason = carried(&["*"], "je.his.arc.azure.com:443").unwrap();
    assert!(reason.contains("arc-gateway-carried"), "{reason}");
    assert_eq!(carried(&["*"], "example.com:443"), None);
    assert_eq!(carried(&["*"], "je.his.arc.azure.com:22"), None);
    assert_eq!(carried(&[], "je.his.arc.azure.com:443"), None);
}

#[test]
fn a_group_is_expanded_for_every_region() {
    let group = ["arc-servers"];
    assert!(carried(&group, "je.his.arc.azure.com:443").is_some());
    assert!(carried(&group, "weu.his.arc.azure.com:443").is_some());
    assert_eq!(carried(&group, "zz.example.com:443"), None);
}

#[test]
fn own_patterns_mean_443_and_80_unless_they_say_more() {
    let rules = ["*.corp.example", "ssh.corp.example:22"];
    assert!(carried(&rules, "a.corp.example:443").is_some());
    assert!(carried(&rules, "a.corp.example:80").is_some());
    assert_eq!(carried(&rules, "a.corp.example:22"), None);
    assert_eq!(carried(&rules, "a.corp.example:25"), None);
    assert!(carried(&["a.example:1-65535"], "a.example:22").is_some());
    assert_eq!(
        carried(&rules, "ssh.corp.example:22").as_deref(),
        Some("carried by the gateway: matches ssh.corp.example:22 (edge.json:2)")
    );
}

#[test]
fn literal_addresses_need_a_rule_of_their_own() {
    assert_eq!(carried(&["*", "*.corp.example"], "8.8.8.8:443"), None);
    assert!(carried(&["8.8.8.0/24"], "8.8.8.8:443").is_some());
    assert_eq!(address(&["8.8.8.0/24"], "8.8.8.8:443", "8.8.8.8"), Ok(()));
    assert_eq!(address(&["10.0.0.0/8"], "10.1.2.3:443", "10.1.2.3"), Ok(()));
}

#[test]
fn inner_networks_need_the_rule_of_that_name() {
    let rules = ["*.corp.example", "wiki.corp.example in 10.1.0.0/16"];
    for (target, ip, want) in [
        ("a.corp.example:443", "8.8.8.8", Ok(())),
        ("a.corp.example:443", "10.1.0.1", Err(AddressClass::Private)),
        ("wiki.corp.example:443", "10.1.0.1", Ok(())),
        (
            "wiki.corp.example:443",
            "10.2.0.1",
            Err(AddressClass::Private),
        ),
        (
            "wiki.corp.example:443",
            "127.0.0.1",
            Err(AddressClass::Loopback),
        ),
        (
            "wiki.corp.example:443",
            "64:ff9b::a01:1",
            Err(AddressClass::Private),
        ),
        ("other.example:443", "10.1.0.1", Err(AddressClass::Private)),
    ] {
        assert_eq!(address(&rules, target, ip), want, "{target} {ip}");
    }
}

#[test]
fn metadata_needs_its_very_address() {
    let ip = "169.254.169.254";
    let denied = Err(AddressClass::Metadata);
    assert_eq!(
        address(&["m.example in 169.254.0.0/16"], "m.example:80", ip),
        denied
    );
    assert_eq!(
        address(&["m.example in 169.254.169.254"], "m.example:80", ip),
        Ok(())
    );
    assert_eq!(
        address(&["169.254.0.0/16"], "169.254.169.254:80", ip),
        denied
    );
    assert_eq!(
        address(&["169.254.169.254:80"], "169.254.169.254:80", ip),
        Ok(())
    );
}
