//! Azure Firewall policy: application rules.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Document, Written};

/// Rules are numbered from here: behind a platform's own, in front of most people's.
const PRIORITY: u32 = 200;

/// One rule for a port of TCP, and one for each of HTTP: target FQDNs, no TLS inspection.
pub(super) fn json(document: &Document) -> Written {
    let mut written = Written::default();
    let rules: Vec<Value> = rules(document, &mut written)
        .into_iter()
        .map(|rule| {
            json!({
                "ruleType": "ApplicationRule",
                "name": rule.name,
                "description": rule.about,
                "protocols": [{ "protocolType": rule.protocol, "port": rule.port }],
                "sourceAddresses": ["*"],
                "targetFqdns": rule.names,
                "terminateTLS": false,
            })
        })
        .collect();
    let collection = json!({
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "narrows",
        "priority": PRIORITY,
        "action": { "type": "Allow" },
        "rules": rules,
    });
    // A value of texts and numbers always has a form.
    written.text = serde_json::to_string_pretty(&collection).unwrap_or_default() + "\n";
    written
}

/// A module that adds the collection to a policy that is there.
pub(super) fn bicep(document: &Document) -> Written {
    let mut written = Written::default();
    let mut rules_text = String::new();
    for rule in rules(document, &mut written) {
        let names: String = rule
            .names
            .iter()
            .map(|name| format!("              {}\n", literal(name)))
            .collect();
        rules_text.push_str(&format!(
            "          {{\n            ruleType: 'ApplicationRule'\n            name: {}\n            description: {}\n            \
             protocols: [\n              {{ protocolType: '{}', port: {} }}\n            ]\n            \
             sourceAddresses: sourceAddresses\n            targetFqdns: [\n{names}            ]\n            \
             terminateTLS: false\n          }}\n",
            literal(&rule.name),
            literal(&rule.about),
            rule.protocol,
            rule.port,
        ));
    }
    let text = BICEP
        .replace("{priority}", &PRIORITY.to_string())
        .replace("{rules}", &rules_text);
    written.text = document.comments("//") + &text;
    written
}

/// One application rule.
struct Rule {
    name: String,
    about: String,
    protocol: &'static str,
    port: u16,
    names: BTreeSet<String>,
}

/// A rule for each feature and port.
fn rules(document: &Document, written: &mut Written) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (port, rows) in document.by_port(written) {
        let protocol = if port == 80 { "Http" } else { "Https" };
        for row in rows {
            let feature = row.feature.split(' ').next().unwrap_or_default();
            let name = format!("narrows-{feature}-{port}");
            let fqdn = fqdn(&row.name, written);
            match rules.iter_mut().find(|rule| rule.name == name) {
                Some(rule) => {
                    rule.names.insert(fqdn);
                }
                None => rules.push(Rule {
                    about: format!(
                        "{feature}: no TLS inspection; {}",
                        document.about.join("; ")
                    ),
                    name,
                    protocol,
                    port,
                    names: BTreeSet::from([fqdn]),
                }),
            }
        }
    }
    rules
}

/// The name as the firewall has it, which knows a star as the first label and nowhere else.
fn fqdn(name: &str, written: &mut Written) -> String {
    let starred = name.strip_prefix("*.").unwrap_or(name).contains('*');
    let wider = name
        .rsplit_once('*')
        .and_then(|(_, rest)| rest.split_once('.'));
    match wider {
        Some((_, rest)) if starred => {
            let wider = format!("*.{rest}");
            written.warnings.push(format!(
                "{name} is written as {wider}, which is wider: the firewall has a star only as the first label"
            ));
            wider
        }
        _ => name.to_owned(),
    }
}

/// A Bicep string: single quotes, and `${` would be an expression.
fn literal(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace("${", "\\${");
    format!("'{text}'")
}

const BICEP: &str = "@description('The firewall policy that gets the rules')
param policyName string
@description('Where the machines are')
param sourceAddresses array = [ '*' ]

resource policy 'Microsoft.Network/firewallPolicies@2024-05-01' existing = {
  name: policyName
}

resource group 'Microsoft.Network/firewallPolicies/ruleCollectionGroups@2024-05-01' = {
  parent: policy
  name: 'narrows'
  properties: {
    priority: {priority}
    ruleCollections: [
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'narrows'
        priority: {priority}
        action: { type: 'Allow' }
        rules: [
{rules}        ]
      }
    ]
  }
}
";
