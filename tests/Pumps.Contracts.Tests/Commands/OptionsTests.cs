using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Pumps.Handlers;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Provisioning;

namespace Pumps.Contracts.Tests.Commands;

/// <summary>Settings of commands and provisioning, as the hosts bind and check them: the bounds are in, what lies beyond stops the start by name.</summary>
public sealed class OptionsTests
{
    [TestCase("Commands:AnswerTimeout", "00:00:05", "00:00:04.9")]
    [TestCase("Commands:AnswerTimeout", "00:05:00", "00:05:01")]
    [TestCase("Commands:FinishTimeout", "00:00:30", "00:00:29")]
    [TestCase("Commands:FinishTimeout", "1.00:00:00", "1.00:00:01")]
    [TestCase("Commands:AttemptsMax", "1", "0")]
    [TestCase("Commands:AttemptsMax", "10", "11")]
    [TestCase("Commands:Pause", "00:00:01", "00:00:00.9")]
    [TestCase("Commands:Pause", "00:01:00", "00:01:01")]
    [TestCase("Commands:MethodsPerSecond", "1", "0.9")]
    [TestCase("Commands:MethodsPerSecond", "100000", "100001")]
    [TestCase("Commands:MessagesPerSecond", "0.1", "0.09")]
    [TestCase("Commands:MessagesPerSecond", "100000", "100001")]
    [TestCase("Commands:Keep", "7.00:00:00", "6.23:59:59")]
    [TestCase("Commands:Keep", "1095.00:00:00", "3650.00:00:01")]
    [TestCase("Commands:KeepAudit", "90.00:00:00", "29.23:59:59")]
    [TestCase("Commands:KeepAudit", "7300.00:00:00", "7300.00:00:01")]
    [TestCase("Commands:KeepAudit", "90.00:00:00", "89.23:59:59", TestName = "The_audit_is_kept_at_least_as_long_as_the_commands")]
    [TestCase("Provisioning:DevicesMax", "1", "0")]
    [TestCase("Provisioning:DevicesMax", "10000000", "10000001")]
    [TestCase("Provisioning:HelloWithinDays", "1", "0")]
    [TestCase("Provisioning:HelloWithinDays", "730", "731")]
    [TestCase("Provisioning:ConfirmWithinDays", "1", "0")]
    [TestCase("Provisioning:ConfirmWithinDays", "90", "91")]
    [TestCase("Provisioning:StockCustomer", "stock-1", "Stock")]
    public void A_value_at_its_bound_is_taken_and_one_beyond_it_stops_the_start_by_its_name(string setting, string within, string beyond)
    {
        Assert.That(() => Read(setting, within), Throws.Nothing);
        Assert.That(() => Read(setting, beyond), Throws.TypeOf<OptionsValidationException>().With.Message.Contains(setting[(setting.IndexOf(':', StringComparison.Ordinal) + 1)..]));
    }

    private static void Read(string setting, string value)
    {
        using var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [setting] = value }).Build())
            .AddDeviceHandlers().BuildServiceProvider();
        _ = setting.StartsWith("Commands", StringComparison.Ordinal)
            ? (object)services.GetRequiredService<IOptions<CommandOptions>>().Value
            : services.GetRequiredService<IOptions<ProvisioningOptions>>().Value;
    }
}
