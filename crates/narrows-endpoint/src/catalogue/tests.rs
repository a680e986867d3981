use super::*;
use crate::path::Route;
use crate::rules::{Routes, RuleSet};

const HEADER: &str = "# narrows-catalogue date=2027-01-31";
const COLUMNS: &str =
    "cloud,group,pattern,port,transport,purpose,required_when,private_link,carried,source";

fn rules(catalogue: &Catalogue) -> RuleSet {
    let routes = Routes {
        never: Route::Proxy,
        default: Route::Direct,
    };
    catalogue.add_to(RuleSet::builder(routes)).build().unwrap()
}

#[track_caller]
fn refuses(text: &str, line: u64, message: &str) {
    let error = text.parse::<Catalogue>().unwrap_err();
    assert_eq!(error.line(), line, "{error}: {}", error.problem());
    let problem = error.problem().to_string();
    assert!(problem.contains(message), "{problem}");
}

#[test]
fn the_built_in_catalogue_is_complete() {
    let catalogue = Catalogue::built_in();
    assert_eq!(catalogue.date().to_string(), "2026-02-17");
    assert_eq!(catalogue.version(), 1);
    assert_eq!(catalogue.endpoints().len(), 578);
    assert_eq!(catalogue.carried().count(), 180);
    assert_eq!(catalogue.regions().len(), 54);
    assert_eq!(catalogue.clouds().count(), 3);
    assert_eq!(catalogue.groups().count(), 27);
    assert!(catalogue.groups().any(|group| group == "extension-ama"));
    let unknown = |row: &&Endpoint| row.carried == Carried::Unknown;
    assert_eq!(catalogue.endpoints().iter().filter(unknown).count(), 2);
    let udp = |row: &&Endpoint| row.transport == Transport::Udp;
    assert_eq!(catalogue.endpoints().iter().filter(udp).count(), 3);
    assert!(!catalogue.carried().any(Pattern::covers_every_port));
}

#[test]
fn bootstrap_names_never_go_by_the_gateway() {
    let rules = rules(Catalogue::built_in());
    for (target, level) in [
        ("gbl.his.arc.azure.com:443", Level::Never),
        ("management.azure.com:443", Level::Never),
        ("login.microsoftonline.com:443", Level::Never),
        ("japaneast.login.microsoft.com:443", Level::Never),
        ("0b1c.gw.arc.azure.com:443", Level::Never),
        ("0b1c.gw.arc.azure.net:443", Level::Never),
        ("je.his.arc.azure.com:443", Level::Carried),
        ("login.microsoft.com:443", Level::Carried),
        ("www.microsoft.com:80", Level::Carried),
        ("azgn1.servicebus.windows.net:443", Level::Carried),
        ("je.his.arc.azure.com:80", Level::Default),
        ("his.arc.azure.com:443", Level::Default),
        ("example.com:443", Level::Default),
    ] {
        assert_eq!(
            rules.decide(&target.parse().unwrap()).level,
            level,
            "{target}"
        );
    }
}

#[test]
fn bypass_keywords_cover_what_is_documented() {
    let catalogue = Catalogue::built_in();
    let patterns = |keyword| {
        let found = catalogue.bypass(keyword).unwrap();
        found
            .patterns
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(patterns("arcdata"), ["*.arcdataservices.com"]);
    assert_eq!(
        patterns("Arc"),
        ["*.his.arc.azure.com", "*.guestconfiguration.azure.com"]
    );
    assert_eq!(patterns("AMA").len(), 6);
    assert_eq!(
        catalogue.bypass("ARCS").unwrap_err().to_string(),
        "there is no bypass keyword \"ARCS\"; the keywords are AAD, ARM, AMA, Arc, ArcData"
    );
}

#[test]
fn regions_fill_in_their_tokens() {
    let catalogue = Catalogue::built_in();
    let parameters = Parameters::new().with("workspace_id", "0A1b-2c").unwrap();
    let expanded = catalogue.expand("Japan East", &parameters).unwrap();
    let find = |template: &str| {
        let of_template = |row: &&Expansion<'_>| row.endpoint.template.as_str() == template;
        let patterns = expanded.iter().filter(of_template);
        let text = |row: &Expansion<'_>| match &row.pattern {
            Some(pattern) => pattern.to_string(),
            None => format!("{} lacks {}", row.text, row.missing.join(", ")),
        };
        let mut found: Vec<_> = patterns.map(text).collect();
        found.sort();
        found.dedup();
        found
    };
    assert_eq!(
        find("<his_code>.his.arc.azure.com"),
        ["je.his.arc.azure.com:443"]
    );
    assert_eq!(
        find("<gas_code>-gas.guestconfiguration.azure.com"),
        ["jpe-gas.guestconfiguration.azure.com:443"]
    );
    assert_eq!(
        find("*.<region>.arcdataservices.com"),
        ["*.japaneast.arcdataservices.com:443"]
    );
    assert_eq!(
        find("<workspace_id>.ods.opinsights.azure.com"),
        ["0a1b-2c.ods.opinsights.azure.com:443"]
    );
    assert_eq!(
        find("oaasguestconfig<mc_code>s<n>.blob.core.windows.net"),
        [
            "oaasguestconfigjpes1.blob.core.windows.net:443",
            "oaasguestconfigjpws1.blob.core.windows.net:443",
            "oaasguestconfigwcuss1.blob.core.windows.net:443",
        ]
    );
    assert_eq!(
        find("winatp-gw-<geo>.microsoft.com"),
        ["winatp-gw-*.microsoft.com:443"]
    );
    assert_eq!(
        find("<vault>.vault.azure.net"),
        ["<vault>.vault.azure.net lacks vault"]
    );
    assert!(
        expanded
            .iter()
            .all(|row| row.endpoint.cloud == Cloud::AzureCloud)
    );
}

#[test]
fn codes_that_are_not_public_are_not_guessed() {
    let catalogue = Catalogue::built_in();
    let his = |parameters| {
        let expanded = catalogue.expand("westus", &parameters).unwrap();
        let mut rows = expanded.into_iter();
        let row = rows
            .find(|row| row.endpoint.template.as_str() == "<his_code>.his.arc.azure.com")
            .unwrap();
        (row.text, row.pattern.is_some(), row.missing)
    };
    assert_eq!(
        his(Parameters::new()),
        (
            "<his_code>.his.arc.azure.com".into(),
            false,
            vec!["his_code".into()]
        )
    );
    let given = Parameters::new().with("his_code", "wus").unwrap();
    assert_eq!(his(given), ("wus.his.arc.azure.com".into(), true, vec![]));
}

#[test]
fn wrong_names_are_told_the_right_ones() {
    let catalogue = Catalogue::built_in();
    let error = catalogue.region("japanest").unwrap_err();
    assert_eq!(error.near().next(), Some("japaneast"));
    assert_eq!(
        catalogue.region("atlantis").unwrap_err().to_string(),
        "there is no region \"atlantis\""
    );
    assert!(Parameters::new().with("dce", "a.b").is_err());
    assert!(Parameters::new().with("dce", "*").is_err());
    assert!(Parameters::new().with("dce", "").is_err());
    let typo = Parameters::new().with("workspaceid", "x").unwrap();
    let error = catalogue.expand("eastus", &typo).unwrap_err().to_string();
    assert!(error.contains("workspace_id"), "{error}");
}

#[test]
fn a_text_replaces_the_sections_that_it_has() {
    let row = "AzureCloud,arc-gateway-carried,*.example.com,8443,tcp,\"a, b\",always,n/a,yes,here";
    let text = format!(
        "{HEADER} version=3\r\n# a comment\n{COLUMNS}\n{row}\n\
         [never]\npattern,reason,source\ngw.example.com,is the gateway,here\n"
    );
    let catalogue: Catalogue = text.parse().unwrap();
    assert_eq!(
        (catalogue.date().to_string(), catalogue.version()),
        ("2027-01-31".to_owned(), 3)
    );
    assert_eq!(&*catalogue.endpoints()[0].purpose, "a, b");
    assert_eq!(catalogue.regions(), Catalogue::built_in().regions());
    let rules = rules(&catalogue);
    assert_eq!(
        rules
            .decide(&"a.example.com:8443".parse().unwrap())
            .reason(),
        "carried by the gateway: matches *.example.com:8443 \
         (catalogue group arc-gateway-carried, 2027-01-31)"
    );
    assert_eq!(
        rules.decide(&"gw.example.com:8443".parse().unwrap()).level,
        Level::Never
    );
    assert_eq!(
        rules
            .decide(&"je.his.arc.azure.com:443".parse().unwrap())
            .level,
        Level::Default
    );
}

#[test]
fn the_built_in_tables_are_a_replacement_too() {
    let text = format!(
        "{}[regions]\n{}[never]\n{}[bypass]\n{}",
        include_str!("../../data/endpoints.csv"),
        include_str!("../../data/regions.csv"),
        include_str!("../../data/never.csv"),
        include_str!("../../data/bypass.csv"),
    );
    assert_eq!(&text.parse::<Catalogue>().unwrap(), Catalogue::built_in());
}

#[test]
fn bad_rows_are_refused_by_line() {
    let with = |row: &str| format!("{HEADER}\n{COLUMNS}\n\n{row}\n");
    refuses("", 1, "first line");
    refuses("# narrows-catalogue version=1", 1, "first line");
    refuses("# narrows-catalogue date=2027-02-29", 1, "first line");
    refuses(
        "# narrows-catalogue date=2027-02-28 colour=red",
        1,
        "first line",
    );
    refuses(&format!("{HEADER}\n"), 1, "columns must be cloud,group");
    refuses(&format!("{HEADER}\ncloud,group\n"), 2, "columns must be");
    refuses(&format!("{HEADER}\n{COLUMNS}\n"), 1, "no rows");
    refuses(&format!("{HEADER}\n[colours]\n"), 2, "the sections are");
    refuses(
        &format!("{HEADER}\n[never]\n[never]\n"),
        2,
        "columns must be",
    );
    refuses(&format!("{HEADER}\n[never]"), 2, "columns must be");
    refuses(&with("AzureCloud,g,*com,443,tcp,,,,yes,"), 4, "glued");
    refuses(
        &with("AzureCloud,g,<Region>.x.com,443,tcp,,,,yes,"),
        4,
        "not allowed",
    );
    refuses(
        &with("AzureCloud,g,<region.x.com,443,tcp,,,,yes,"),
        4,
        "not allowed",
    );
    refuses(
        &with("AzureCloud,g,x.com,123/udp,udp,,,,yes,"),
        4,
        "port is \"123/udp\"",
    );
    refuses(
        &with("AzureCloud,g,x.com:443,443,tcp,,,,yes,"),
        4,
        "without a port",
    );
    refuses(
        &with("AzureMoon,g,x.com,443,tcp,,,,yes,"),
        4,
        "cloud is \"AzureMoon\"",
    );
    refuses(
        &with("AzureCloud,g,x.com,443,tcp,,,,maybe,"),
        4,
        "yes, no or unknown",
    );
    refuses(
        &with("AzureCloud,g,x.com,443,tcp,a, b,,,yes,"),
        4,
        "quote fields with commas",
    );
    refuses(&with("AzureCloud,,x.com,443,tcp,,,,yes,"), 4, "filled in");
    refuses(
        &with("AzureCloud,arc-gateway-carried,<region>.x.com,443,tcp,,,,yes,"),
        4,
        "tokens",
    );
    let row = "AzureCloud,g,x.com,443,tcp,,,,yes,";
    refuses(&with(&format!("{row}\n{row}")), 5, "x.com is there already");
    let never = "[never]\npattern,reason,source\n";
    refuses(
        &format!("{HEADER}\n{never}a.com,,\n{never}b.com,,\n"),
        5,
        "never is there already",
    );
    refuses(
        &format!("{HEADER}\n{never}a.com,,\n*.com,,\n"),
        5,
        "public suffix",
    );
    assert_eq!(
        "nothing".parse::<Catalogue>().unwrap_err().to_string(),
        "line 1 of the catalogue is refused"
    );
}
