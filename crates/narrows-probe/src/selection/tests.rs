use narrows_endpoint::Transport;

use super::*;
use crate::exit::Exit;

fn args(region: &str, features: &str) -> SelectArgs {
    SelectArgs {
        region: Some(region.to_owned()),
        features: features.split(',').map(str::to_owned).collect(),
        ..SelectArgs::default()
    }
}

fn names(args: &SelectArgs, gateway: Option<&str>, narrow: bool) -> Vec<String> {
    let gateway = gateway.map(|gateway| read_target(gateway).unwrap());
    let selection = args.resolve().unwrap();
    let openings = selection.openings(gateway.as_ref(), narrow).unwrap();
    let mut names: Vec<String> = openings.open.into_iter().map(|row| row.name).collect();
    names.dedup();
    names
}

#[test]
fn beside_a_gateway_eight_names_stay_open_for_servers() {
    let args = args("japaneast", "servers");
    assert_eq!(
        names(&args, Some("0b1c.gw.arc.azure.com"), false),
        [
            "0b1c.gw.arc.azure.com",
            "management.azure.com",
            "login.microsoftonline.com",
            "japaneast.login.microsoft.com",
            "gbl.his.arc.azure.com",
            "je.his.arc.azure.com",
            "packages.microsoft.com",
            "download.microsoft.com",
        ]
    );
}

#[test]
fn without_a_gateway_it_is_the_eighteen_names_of_the_page() {
    assert_eq!(
        names(&args("Japan East", "servers"), None, false),
        [
            "download.microsoft.com",
            "packages.microsoft.com",
            "login.microsoftonline.com",
            "*.login.microsoft.com",
            "pas.windows.net",
            "management.azure.com",
            "*.his.arc.azure.com",
            "*.guestconfiguration.azure.com",
            "guestnotificationservice.azure.com",
            "*.guestnotificationservice.azure.com",
            // Needed always, while the wider name below is not: it stays.
            "azgn*.servicebus.windows.net",
            "*.servicebus.windows.net",
            "*.waconazure.com",
            "*.blob.core.windows.net",
            "dc.services.visualstudio.com",
            "*.japaneast.arcdataservices.com",
            "www.microsoft.com",
            "dls.microsoft.com",
        ]
    );
}

#[test]
fn the_older_list_has_one_name_more() {
    let mut args = args("japaneast", "servers");
    args.former = true;
    let names = names(&args, Some("0b1c.gw.arc.azure.com"), false);
    assert_eq!(names.len(), 9);
    assert_eq!(names[8], "aka.ms");
}

#[test]
fn narrow_names_what_the_wildcards_stand_for() {
    let names = names(&args("japaneast", "servers"), None, true);
    for name in [
        "gbl.his.arc.azure.com",
        "je.his.arc.azure.com",
        "agentserviceapi.guestconfiguration.azure.com",
        "japaneast-gas.guestconfiguration.azure.com",
        // Nothing is known under these.
        "*.blob.core.windows.net",
        "*.servicebus.windows.net",
    ] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    for name in ["*.his.arc.azure.com", "*.guestconfiguration.azure.com"] {
        assert!(
            !names.iter().any(|other| other == name),
            "{name}: {names:?}"
        );
    }
}

#[test]
fn the_gateway_is_in_the_list_whatever_else_is() {
    let ama = names(
        &args("japaneast", "ama"),
        Some("gw.corp.example:8443"),
        false,
    );
    assert_eq!(ama, ["gw.corp.example"]);
    let mut with_workspace = args("japaneast", "ama,guest-attestation,wac");
    with_workspace.set = vec!["workspace_id=0a1b".into()];
    assert_eq!(
        names(&with_workspace, Some("gw.corp.example"), false),
        [
            "gw.corp.example",
            "0a1b.ods.opinsights.azure.com",
            "*.attest.azure.net"
        ]
    );
}

#[test]
fn what_has_no_name_is_told_apart() {
    let selection = args("westus", "servers").resolve().unwrap();
    let gateway = read_target("https://0b1c.gw.arc.azure.com/").unwrap();
    let openings = selection.openings(Some(&gateway), false).unwrap();
    assert_eq!(openings.open.len(), 7);
    assert_eq!(openings.unknown.len(), 1);
    assert_eq!(&*openings.unknown[0].missing[0], "his_code");
}

#[test]
fn names_are_there_once_with_every_feature_that_needs_them() {
    let selection = args("japaneast", "servers,ama,azure-local")
        .resolve()
        .unwrap();
    let openings = selection.openings(None, false).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for row in &openings.open {
        let key = (row.name.clone(), row.port, row.transport == Transport::Udp);
        assert!(seen.insert(key), "{} twice", row.name);
    }
    let management = openings
        .open
        .iter()
        .find(|row| row.name == "management.azure.com");
    assert_eq!(management.unwrap().feature, "servers ama azure-local");
}

#[test]
fn wrong_words_are_told_the_near_ones() {
    let cases: [(SelectArgs, &str, &str); 6] = [
        (
            args("japanest", "servers"),
            "no region \"japanest\"",
            "japaneast",
        ),
        (
            args("japaneast", "server"),
            "no feature \"server\"",
            "servers",
        ),
        (
            SelectArgs {
                cloud: Some("AzureUSGov".into()),
                ..SelectArgs::default()
            },
            "no cloud \"AzureUSGov\"",
            "AzureUSGovernment",
        ),
        (
            SelectArgs {
                cloud: Some("AzureChinaCloud".into()),
                ..args("japaneast", "servers")
            },
            "japaneast belongs to AzureCloud",
            "leave out --cloud",
        ),
        (
            SelectArgs {
                set: vec!["workspaceid=1".into()],
                ..args("japaneast", "ama")
            },
            "no name has the token \"workspaceid\"",
            "workspace_id",
        ),
        (
            SelectArgs {
                set: vec!["workspace_id".into()],
                ..args("japaneast", "ama")
            },
            "has no =",
            "--set workspace_id=",
        ),
    ];
    for (args, message, hint) in cases {
        let fault = args.resolve().unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        assert!(fault.message().contains(message), "{fault}");
        assert!(fault.to_string().contains(hint), "{fault}");
    }
}

#[test]
fn a_gateway_is_for_the_public_cloud_alone() {
    let selection = args("usgovvirginia", "servers").resolve().unwrap();
    let gateway = read_target("0b1c.gw.arc.azure.net").unwrap();
    let fault = selection.openings(Some(&gateway), false).unwrap_err();
    assert!(
        fault
            .message()
            .contains("AzureUSGovernment has no Arc gateway"),
        "{fault}"
    );
    assert!(!selection.openings(None, false).unwrap().open.is_empty());
}
