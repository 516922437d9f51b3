//! The SBOM in `CycloneDX` 1.6, without a time or a serial number: the same release has the same bill.

use serde_json::{Value, json};

use super::{Bill, Part};

pub(super) fn render(bill: &Bill) -> Value {
    let subject = bill.artefact.purl(bill.target);
    let uses =
        |part: &Part| part.needs.iter().map(|index| bill.parts[*index].purl.clone()).collect::<Vec<_>>();
    let mut dependencies = vec![json!({ "ref": subject, "dependsOn": [bill.parts[0].purl] })];
    dependencies.extend(bill.parts.iter().map(|part| json!({ "ref": part.purl, "dependsOn": uses(part) })));
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{ "phase": "build" }],
            "component": {
                "type": "library",
                "bom-ref": subject,
                "name": bill.artefact.package(),
                "version": env!("CARGO_PKG_VERSION"),
                "licenses": [{ "expression": bill.parts[0].licence }],
                "purl": subject,
            },
            "properties": [{ "name": "cdx:rustc:sbom:target:triple", "value": bill.target.triple }],
        },
        "components": bill.parts.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "licenses": [{ "expression": part.licence }],
        "purl": part.purl,
    });
    if let Some(cpe) = &part.cpe {
        component["cpe"] = json!(cpe);
    }
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}
