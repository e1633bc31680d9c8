'use strict';
// A device that uses Microsoft's own SDK, unchanged, against any region that speaks IoT Hub's MQTT dialect.
//
//   node device.js <scenario> <connection string> <ca file> [more]
//
// Scenarios: see the functions at the end. Prints one JSON object per line; ends with 0 when the scenario is done, 1 when it broke.
// The SDK takes the host from the connection string and knows no port but 8883. The provisioning SDK takes no authority: set NODE_EXTRA_CA_CERTS.

const fs = require('fs');
const { Client, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const { NoRetry } = require('azure-iot-common');
const mqtt = require('mqtt');
const { ConnectionString, SharedAccessSignature } = require('azure-iot-common');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt: ProvisioningMqtt } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');

const [scenario, connectionString, caFile, ...more] = process.argv.slice(2);
const ca = fs.readFileSync(caFile, 'utf8');

function say(what, details) {
  console.log(JSON.stringify({ what, ...details }));
}

function opened(client) {
  client.setRetryPolicy(new NoRetry());
  return client.setOptions({ ca }).then(() => client.open()).then(() => {
    say('connected');
    return client;
  });
}

const connect = () => opened(Client.fromConnectionString(connectionString, Mqtt));

function hexMessage(hex, headerType, contentType) {
  const message = new Message(Buffer.from(hex, 'hex'));
  message.properties.add('headerType', headerType);
  message.contentType = contentType;
  message.messageId = `${headerType}-${hex.length}`;
  return message;
}

// A device fresh from the factory: it knows where to register, the id scope, its id and its key.
function register(security) {
  const { HostName, DeviceId, SharedAccessKey } = ConnectionString.parse(connectionString);
  return ProvisioningDeviceClient
    .create(HostName, more[0], new ProvisioningMqtt(), security || new SymmetricKeySecurityClient(DeviceId, SharedAccessKey))
    .register();
}

function once(subscribe) {
  return new Promise((resolve) => subscribe(resolve));
}

// The DP2 response "done" to a command: header of the command, correlation as it came, status 2, CRC-32C (PROTOCOL.md, sections 3 and 8.2).
function done(command) {
  const payload = command.subarray(command[3]);
  const correlation = payload.subarray(0, 2 + payload[1]); // field 1, BYTES: tag, length, bytes
  const body = Buffer.concat([correlation, Buffer.from([0x10, 2])]);
  const header = Buffer.from(command.subarray(0, 28));
  header[3] = 28;
  header[4] = 0;
  header[5] = 0x03;
  header.writeUInt16LE(body.length, 6);
  header.writeBigInt64LE(BigInt(Date.now()), 16);
  header.writeUInt32LE(1, 24);
  const frame = Buffer.concat([header, body, Buffer.alloc(4)]);
  frame.writeUInt32LE(crc32c(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const b of bytes) {
    crc ^= b;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const scenarios = {
  // more: pairs of header type and frame in hex
  async send() {
    const client = await connect();
    for (let i = 0; i < more.length; i += 2) {
      await client.sendEvent(hexMessage(more[i + 1], more[i], 'application/octet-stream'));
      say('sent', { headerType: more[i] });
    }
    await client.close();
  },

  // Waits for one cloud-to-device message and completes it.
  async receive() {
    const client = await connect();
    const message = await once((resolve) => {
      client.on('message', resolve);
      say('listening');
    });
    await client.complete(message);
    say('received', {
      body: message.data.toString(),
      messageId: message.messageId,
      contentType: message.contentType,
      properties: Object.fromEntries(message.properties.propertyList.map((p) => [p.key, p.value])),
    });
    await client.close();
  },

  // Reads the twin, reports properties, waits for a desired property.
  async twin() {
    const client = await connect();
    const twin = await client.getTwin();
    say('twin', { desired: twin.properties.desired, reported: JSON.parse(JSON.stringify(twin.properties.reported)) });
    await new Promise((resolve, reject) =>
      twin.properties.reported.update({ firmware: { version: '1.4.2', state: 'idle' }, flow: 24.3 }, (e) => (e ? reject(e) : resolve())));
    say('reported');
    const changed = once((resolve) => {
      // The SDK calls back with what it has, then for each change.
      twin.on('properties.desired', (delta) => delta.$version > 1 && resolve(delta));
    });

    // It subscribes without saying when that is done; an answer to what it asks behind that comes after it.
    await client.getTwin();
    say('listening');
    say('desired', { delta: await changed });
    const refused = await new Promise((resolve) => twin.properties.reported.update({ 'not.allowed': 1 }, (e) => resolve(e ? e.message : null)));
    say('refused', { error: refused });
    await client.close();
  },

  // Answers the method "reboot" once.
  async method() {
    const client = await connect();
    const request = await once((resolve) => {
      client.onDeviceMethod('reboot', (request, response) =>
        response.send(200, { rebootingIn: request.payload.delay }, () => resolve(request)));
      say('listening');
    });
    say('answered', { payload: request.payload });
    await client.close();
  },

  // Obeys one DP2 command that comes as the method "command": answers "done" in a frame of its own.
  async command() {
    const client = await connect();
    const frame = await once((resolve) => {
      client.onDeviceMethod('command', (request, response) => {
        const frame = Buffer.from(request.payload.frame, 'base64');
        response.send(200, { frame: done(frame).toString('base64') }, () => resolve(frame));
      });
      say('listening');
    });
    say('obeyed', { frame: frame.toString('hex') });
    await client.close();
  },

  // Tries to connect and says how it was refused. more: optionally a token to use instead of the connection string's key.
  async refused() {
    const client = more.length ? Client.fromSharedAccessSignature(more[0], Mqtt) : Client.fromConnectionString(connectionString, Mqtt);
    try {
      await opened(client);
      await client.close();
    } catch (e) {
      say('refused', { error: e.name, message: e.message });
    }
  },

  // Registers, connects to the hub that it was told, and sends. more: id scope, then pairs of header type and frame in hex
  async zeroTouch() {
    const { assignedHub, deviceId } = await register();
    say('registered', { assignedHub, deviceId });
    const { SharedAccessKey } = ConnectionString.parse(connectionString);
    const client = await opened(Client.fromConnectionString(`HostName=${assignedHub};DeviceId=${deviceId};SharedAccessKey=${SharedAccessKey}`, Mqtt));
    for (let i = 1; i < more.length; i += 2) {
      await client.sendEvent(hexMessage(more[i + 1], more[i], 'application/octet-stream'));
      say('sent', { headerType: more[i] });
    }
    await client.close();
  },

  // Tries to register and says how it was refused. more: id scope, optionally a token to use instead of the connection string's key
  async registerRefused() {
    const { DeviceId } = ConnectionString.parse(connectionString);
    const withToken = { getRegistrationId: (done) => done(null, DeviceId), createSharedAccessSignature: (scope, done) => done(null, more[1]) };
    try {
      await register(more[1] && withToken);
    } catch (e) {
      const state = e.result && e.result.registrationState;
      say('refused', { error: e.name, reason: state && state.errorMessage });
    }
  },

  // The plain "mqtt" client, as any other device would write it. more: port, frame in hex
  async plain() {
    const { HostName, DeviceId, SharedAccessKey } = ConnectionString.parse(connectionString);
    const token = SharedAccessSignature.create(`${HostName}/devices/${DeviceId}`, '', SharedAccessKey, Math.floor(Date.now() / 1000) + 600);
    const client = await mqtt.connectAsync({
      protocol: 'mqtts', host: HostName, port: Number(more[0]), ca, protocolVersion: 4, clientId: DeviceId,
      username: `${HostName}/${DeviceId}/?api-version=2021-04-12`, password: token.toString().replace(/&skn=$/, ''), reconnectPeriod: 0,
    });
    say('connected');
    await client.publishAsync(`devices/${DeviceId}/messages/events/headerType=telemetry&%24.ct=application%2Foctet-stream`, Buffer.from(more[1], 'hex'), { qos: 1 });
    say('sent');
    await client.endAsync();
  },
};

if (!scenarios[scenario]) {
  console.error(`There is no scenario '${scenario}'; there are: ${Object.keys(scenarios).join(', ')}`);
  process.exit(2);
}
scenarios[scenario]().then(
  () => process.exit(0),
  (e) => {
    say('broke', { error: e.name, message: e.message });
    process.exit(1);
  });
