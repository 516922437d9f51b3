// Has the library jose judge the SETs that `interop-sets` made.
//
// node verify.mjs [sets.json]    (standard input without a file)

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { createLocalJWKSet, errors, jwtVerify } from "jose";

// Every algorithm must occur among the SETs and the keys.
const ALGORITHMS = [
  "RS256", "RS384", "RS512",
  "PS256", "PS384", "PS512",
  "ES256", "ES384", "ES512",
  "EdDSA", "Ed25519",
];

// Algorithms that jose cannot do, with the reason. verify.py has to check them.
const UNSUPPORTED = new Map();

// So many failures are shown; the rest are counted.
const SHOWN = 20;

const PUBLIC_MEMBERS = {
  RSA: ["alg", "e", "kid", "kty", "n", "use"],
  EC: ["alg", "crv", "kid", "kty", "use", "x", "y"],
  OKP: ["alg", "crv", "kid", "kty", "use", "x"],
};

let passed = 0;
let failed = 0;

async function check(name, judge) {
  try {
    await judge();
    passed += 1;
  } catch (error) {
    failed += 1;
    if (failed <= SHOWN) console.error(`FAILED ${name}: ${error.name}: ${error.message}`);
  }
}

function ensure(condition, message) {
  if (!condition) throw new Error(message);
}

const encode = (value) => Buffer.from(value).toString("base64url");
const decode = (text) => JSON.parse(Buffer.from(text, "base64url").toString("utf8"));

// The SET by the one key that its header names or, without `kid`, by the one of all that fits.
async function verify(compact, jwks, options) {
  try {
    return await jwtVerify(compact, jwks, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    const fitting = [];
    for await (const key of error) {
      try {
        fitting.push(await jwtVerify(compact, key, options));
      } catch (refusal) {
        if (!(refusal instanceof errors.JWSSignatureVerificationFailed)) throw refusal;
      }
    }
    if (fitting.length === 0) throw new errors.JWSSignatureVerificationFailed();
    ensure(fitting.length === 1, `${fitting.length} keys verify the SET`);
    return fitting[0];
  }
}

// Passes where jose refuses for the expected reason, and only then.
async function refused(compact, jwks, options, expected = errors.JOSEError) {
  try {
    await verify(compact, jwks, options);
  } catch (error) {
    if (error instanceof expected) return;
    throw error;
  }
  throw new Error("jose takes what it should refuse");
}

async function judgeSet(item, jwks) {
  const { name, algorithm, compact, expected } = item;
  const [header, payload, signature] = compact.split(".");
  const options = {
    algorithms: [algorithm],
    typ: "secevent+jwt",
    issuer: expected.iss,
    audience: expected.aud,
    requiredClaims: ["iss", "aud", "iat", "jti", "events"],
    currentDate: new Date((expected.iat + 1) * 1000),
  };

  await check(name, async () => {
    const head = { alg: algorithm, typ: "secevent+jwt" };
    if (item.kid !== null) head.kid = item.kid;
    ensure(isDeepStrictEqual(decode(header), head), `the header is not ${JSON.stringify(head)}`);
    const set = await verify(compact, jwks, options);
    ensure(isDeepStrictEqual(set.protectedHeader, head), "jose reads another header");
    const read = JSON.stringify(set.payload);
    ensure(isDeepStrictEqual(set.payload, expected), `${read} is not ${JSON.stringify(expected)}`);
  });
  await check(`${name}, tampered signature`, async () => {
    const damaged = Buffer.from(signature, "base64url");
    damaged[damaged.length >> 1] ^= 1;
    const changed = `${header}.${payload}.${encode(damaged)}`;
    await refused(changed, jwks, options, errors.JWSSignatureVerificationFailed);
  });
  await check(`${name}, tampered payload`, async () => {
    const claims = { ...decode(payload), txn: "another" };
    const changed = `${header}.${encode(JSON.stringify(claims))}.${signature}`;
    await refused(changed, jwks, options, errors.JWSSignatureVerificationFailed);
  });
  await check(`${name}, alg none`, async () => {
    const none = encode(JSON.stringify({ ...decode(header), alg: "none" }));
    await refused(`${none}.${payload}.`, jwks, options);
    await refused(`${none}.${payload}.${signature}`, jwks, options);
  });
  await check(`${name}, other algorithms allowed`, async () => {
    const others = ALGORITHMS.filter((other) => other !== algorithm);
    await refused(compact, jwks, { ...options, algorithms: others });
  });
}

function judgeKey(jwk) {
  const members = Object.keys(jwk).sort();
  const expected = PUBLIC_MEMBERS[jwk.kty];
  ensure(isDeepStrictEqual(members, expected), `the members are ${members}, not ${expected}`);
  ensure(jwk.use === "sig", "the use is not sig");
}

const { jwks, sets } = JSON.parse(readFileSync(process.argv[2] ?? 0, "utf8"));
const missing = ALGORITHMS.filter(
  (algorithm) =>
    !sets.some((item) => item.algorithm === algorithm) || !jwks.keys.some((jwk) => jwk.alg === algorithm),
);
if (missing.length > 0) {
  console.error(`verify.mjs: no SET or no key for ${missing.join(", ")}`);
  process.exit(1);
}
for (const jwk of jwks.keys) await check(`key ${jwk.kid}`, async () => judgeKey(jwk));
for (const [algorithm, reason] of UNSUPPORTED) console.log(`jose: not checked: ${algorithm}, ${reason}`);
const keys = createLocalJWKSet(jwks);
for (const item of sets) if (!UNSUPPORTED.has(item.algorithm)) await judgeSet(item, keys);
console.log(`jose: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
