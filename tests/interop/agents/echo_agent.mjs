// SPDX-License-Identifier: Apache-2.0
// An @livekit/agents worker without any AI: echoes audio, counts video frames, answers RPC.
// echo_agent.mjs URL KEY SECRET OPTIONS-AS-JSON: agentName, tag. Its jobs run in processes of their own, which
// import this file too.
import { AgentServer, ServerOptions, defineAgent, initializeLogger } from '@livekit/agents';
import { AudioFrame, AudioSource, AudioStream, LocalAudioTrack, RoomEvent, TrackKind, TrackPublishOptions, VideoStream }
  from '@livekit/rtc-node';
import { fileURLToPath } from 'node:url';

const tell = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');

async function echo(ctx, track, counts) {
  const source = new AudioSource(48000, 1);
  const out = LocalAudioTrack.createAudioTrack('echo', source);
  await ctx.room.localParticipant.publishTrack(out, new TrackPublishOptions());
  for await (const frame of new AudioStream(track, 48000, 1)) {
    counts.audio++;
    await source.captureFrame(new AudioFrame(frame.data, frame.sampleRate, frame.channels, frame.samplesPerChannel));
  }
}

async function countVideo(track, counts) {
  for await (const _ of new VideoStream(track)) counts.video++;
}

export default defineAgent({
  entry: async (ctx) => {
    const counts = { audio: 0, video: 0 };
    ctx.room.on(RoomEvent.TrackSubscribed, (track) => {
      void (track.kind === TrackKind.KIND_AUDIO ? echo(ctx, track, counts) : countVideo(track, counts));
    });
    await ctx.connect();
    ctx.room.localParticipant.registerRpcMethod('counts', async () => JSON.stringify(counts));
    ctx.room.localParticipant.registerRpcMethod('echo', async (data) => `js:${data.payload}`);
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [wsURL, apiKey, apiSecret, json] = process.argv.slice(2);
  const options = JSON.parse(json);
  initializeLogger({ pretty: false, level: 'info' });
  const server = new AgentServer(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      wsURL, apiKey, apiSecret, port: 0, host: '127.0.0.1', agentName: options.agentName ?? '', numIdleProcesses: 1,
      loadFunc: async () => 0, initializeProcessTimeout: 60000, production: false,
      requestFunc: async (job) => {
        tell('request', { job: job.id });
        await job.accept('Echo JS', `js-${job.id}`);
      },
    }),
  );
  server.event.on('worker_registered', (id) => tell('registered', { worker: id }));
  await server.run();
}
