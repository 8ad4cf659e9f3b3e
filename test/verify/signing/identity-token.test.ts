import { inspect } from "node:util";
import { expect, test } from "vitest";
import { IdentityToken } from "../../../src/verify/signing/identity-token.ts";
import { githubToken, identityToken } from "../../support/sigstore-services.ts";

test.each([
  { name: "no token at all", token: "", why: "no JSON Web Token" },
  { name: "a token of another kind", token: "aam_0123456789abcdef", why: "no JSON Web Token" },
  { name: "a payload that is no JSON", token: "e30.bm9uZQ.c2ln", why: "no JSON Web Token" },
  { name: "a second line that would become a header", token: `${githubToken()}\nX-Other: 1`, why: "no JSON Web Token" },
  { name: "a token that has ended", token: githubToken({ exp: 1_700_000_000 }), why: "it ends at 2023-11-14T22:13:20.000Z" },
  {
    name: "an e-mail address that nobody has verified",
    token: identityToken({ sub: "1", email: "ann@acme.example" }),
    why: "has not verified",
  },
  { name: "a token for nobody", token: identityToken({ iss: "https://issuer.example" }), why: "names nobody" },
])("$name is told before anybody is asked", ({ token, why }) => {
  expect(() => IdentityToken.parse(token, "a test", Date.now())).toThrowError(
    expect.objectContaining({ code: "UNAUTHORIZED", message: expect.stringContaining(why) }),
  );
});

test("a token prints as a secret wherever it may be printed", () => {
  const text = githubToken();
  const token = IdentityToken.parse(`${text}\n`, "a file", Date.now());
  expect(token.reveal()).toBe(text);
  expect([String(token), JSON.stringify({ token }), inspect(token)]).toEqual(["[secret]", '{"token":"[secret]"}', "[secret]"]);
});
