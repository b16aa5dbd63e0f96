// A lab's whole side of the work, by openapi-fetch with the types that openapi-typescript made of our description.
// Run with SITE and KEY in the environment; prints what came of it as JSON.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Line = components["schemas"]["LineInRequest"];
type Submission = components["schemas"]["SubmissionOut"];

const TASKS = 3;
const NOTES = "The answer names the wrong hour for the level, and then contradicts itself about what to do when it is missed.";
const FIXED = { answer: "Twelve hours after the last dose, in steady state.", citations: [] };

const client = createClient<paths>({
  baseUrl: process.env.SITE ?? "",
  headers: { Authorization: `Bearer ${process.env.KEY}` },
});

/** Return what was asked for; a problem ends the program. */
function done<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

/** Ask until there is something. */
async function waitFor<T>(look: () => Promise<T | undefined>): Promise<T> {
  const endsAt = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > endsAt) throw new Error("It took too long.");
    await sleep(200);
  }
}

/** Write down an agreement and publish it; return its id. */
async function agreed(): Promise<string> {
  const agreement = done(await client.POST("/api/v1/agreements", { body: { title: "NDA", code_name: "Heron" } }));
  const version = done(
    await client.POST("/api/v1/agreements/{agreement_id}/versions", {
      params: { path: { agreement_id: agreement.id } },
      body: { text: "# NDA\n\nKeep it secret." },
    }),
  );
  const path = { agreement_id: agreement.id, version_id: version.id };
  done(await client.POST("/api/v1/agreements/{agreement_id}/versions/{version_id}:publish", { params: { path } }));
  return agreement.id;
}

/** Make a project, give it money and launch it; return its id. */
async function funded(agreement: string): Promise<string> {
  const project = done(
    await client.POST("/api/v1/projects", {
      params: { header: { "Idempotency-Key": "project-1" } },
      body: {
        name: "Bedside", code_name: "Heron", kind: "demonstration", domain: "psychiatry", tier_min: 3,
        agreement, expected_seconds: 600, assignment: "open",
      },
    }),
  );
  const path = { project_id: project.id };
  const body = { amount: { amount_minor: 1_000_00, currency: "USD" } };
  done(await client.POST("/api/v1/projects/{project_id}/budget:allocate", { params: { path }, body }));
  done(await client.POST("/api/v1/projects/{project_id}:launch", { params: { path } }));
  return project.id;
}

/** Post the tasks of a batch and launch it; return its id and what it may cost. */
async function launched(project: string): Promise<[string, number]> {
  const opened = done(
    await client.POST("/api/v1/projects/{project_id}/batches", {
      params: { path: { project_id: project } },
      body: { name: "Night" },
    }),
  );
  const path = { batch_id: opened.id };
  const lines: Line[] = Array.from({ length: TASKS }, (_, number) => ({
    external_id: `t-${number}`,
    payload: { prompt: "When are lithium levels taken?" },
    tags: ["dose"],
  }));
  const posted = done(
    await client.POST("/api/v1/batches/{batch_id}/tasks", {
      params: { path, header: { "Idempotency-Key": "tasks-1" } },
      body: lines.concat(lines.slice(0, 1)),
    }),
  );
  if (posted.accepted !== TASKS || posted.duplicates !== 1) throw new Error(JSON.stringify(posted));
  const quote = done(await client.POST("/api/v1/batches/{batch_id}:quote", { params: { path } }));
  done(await client.POST("/api/v1/batches/{batch_id}:launch", { params: { path } }));
  done(await client.POST("/api/v1/batches/{batch_id}:drain", { params: { path } }));
  return [opened.id, quote.total_minor];
}

/** Wait for every answer, then accept one, mend one and reject one; return their states. */
async function judged(batch: string): Promise<string[]> {
  const handedIn = await waitFor(async (): Promise<Submission[] | undefined> => {
    const page = done(await client.GET("/api/v1/submissions", { params: { query: { batch } } }));
    return page.data.length === TASKS ? page.data : undefined;
  });
  const [first = "", second = "", third = ""] = handedIn.map((each) => each.id).sort();
  const verdicts = [
    await client.POST("/api/v1/submissions/{submission_id}:accept", {
      params: { path: { submission_id: first }, header: { "Idempotency-Key": "verdict-1" } },
    }),
    await client.POST("/api/v1/submissions/{submission_id}:fix", {
      params: { path: { submission_id: second } },
      body: { response: FIXED },
    }),
    await client.POST("/api/v1/submissions/{submission_id}:reject", {
      params: { path: { submission_id: third } },
      body: { category: "incorrect", notes: NOTES },
    }),
  ];
  return verdicts.map((verdict) => done(verdict).state);
}

/** Export the batch, download the file, check it against its manifest; return the answers in it. */
async function exported(batch: string): Promise<string[]> {
  const asked = done(await client.POST("/api/v1/exports", { body: { batch, shape: "sft" } }));
  const params = { path: { export_id: asked.id } };
  const ready = await waitFor(async () => {
    const shown = done(await client.GET("/api/v1/exports/{export_id}", { params }));
    return shown.state === "READY" ? shown : undefined;
  });
  const text = done(await client.GET("/api/v1/exports/{export_id}/download", { params, parseAs: "text" }));
  const manifest = done(await client.GET("/api/v1/exports/{export_id}/manifest", { params }));
  const [file] = manifest.files;
  const sha256 = createHash("sha256").update(text).digest("hex");
  if (file?.sha256 !== sha256 || file.rows !== ready.rows) throw new Error(JSON.stringify(manifest));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line).messages.at(-1).content as string).sort();
}

const me = done(await client.GET("/api/v1/me"));
const [batch, quotedMinor] = await launched(await funded(await agreed()));
const states = await judged(batch);
const answers = await exported(batch);
const { cost } = done(await client.GET("/api/v1/batches/{batch_id}", { params: { path: { batch_id: batch } } }));
const balance = done(await client.GET("/api/v1/balance"));
console.log(
  JSON.stringify({
    mode: me.mode,
    quoted_minor: quotedMinor,
    states,
    answers,
    cost_minor: cost.pay_minor + cost.fee_minor,
    spent_minor: balance.spent_minor,
  }),
);
