// Verify deliveries with the official library: [{secret, headers, body}] in, [{event} or {error}] out.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const verify = ({ secret, headers, body }) => {
  try {
    return { event: new Webhook(secret).verify(body, headers) };
  } catch (error) {
    return { error: error.message };
  }
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verify)));
